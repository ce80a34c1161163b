# Talking to the Docker engine.
now() { date +%s%3N; } # ms since the epoch
api() { curl -sS -m 20 --unix-socket /var/run/docker.sock "$@"; }
readings() { # stdin: ids. For each a line of JSON, the numbers `docker stats` counts with (a quick reading, no wait), and its URL
  local urls=()
  while read -r id; do urls+=("http://docker/containers/$id/stats?stream=false&one-shot=true"); done
  [ "${#urls[@]}" = 0 ] || api -w '%{url_effective}\n' "${urls[@]}"
}
inspect() { # container, template. An engine that is restarting is waited for: docs/design.md, "A restarting engine"
  local said
  for _ in {1..75}; do
    said=$(docker container inspect --format "$2" "$1" 2>&1) && { printf '%s\n' "$said"; return; }
    case $said in *"No such container"*) return 1 ;; esac
    sleep 0.2
  done
  return 2
}
state() { # container, template
  printf 'state '
  docker container inspect --format "$2" "$1" 2>/dev/null || echo none
}
unless_gone() { # a docker command; that what it is about is gone already is success
  local said
  said=$("$@" 2>&1) && return
  case $said in *"No such "*) return 0 ;; esac
  printf '%s\n' "$said" >&2
  return 1
}
remove() { # container: a release's with its anonymous volumes, which nothing would ever mount again (never a named one). What
  # another's container kept in one may be all there is of it.
  # shellcheck disable=SC2046 # an option, or none
  unless_gone docker rm -f $(docker container inspect --format '{{if index .Config.Labels "behindy.release"}}-v{{end}}' "$1" 2>/dev/null) "$1"
}
