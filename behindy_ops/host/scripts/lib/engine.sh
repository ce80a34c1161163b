# Talking to the Docker engine itself.
api() { curl -sS -m 20 --unix-socket /var/run/docker.sock "$@"; }
readings() { # ids: for each a line of JSON, the numbers `docker stats` counts with (a quick reading, no wait), and its URL
  local urls=()
  for id in "$@"; do urls+=("http://docker/containers/$id/stats?stream=false&one-shot=true"); done
  [ "$#" -eq 0 ] || api -w '%{url_effective}\n' "${urls[@]}"
}
