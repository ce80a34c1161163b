# Put before every ops_*.sh that prints parts (ops/run.py). $1 is the boundary, see sections.py; the rest is theirs.
# `report` runs functions side by side and prints what each said under `<boundary> <name>`. What they leave goes to
# memory first: a full disk is one of the things to be seen.
# shellcheck disable=SC2154 # what the parts read is set by the script that reports them
mark=$1
shift
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
export TMPDIR=$work
trap 'rm -rf "$work"' EXIT
part() { "$1" >"$work/$1.out" 2>"$work/$1.err" || printf '%s %s! %s\n' "$mark" "$1" "$?" >>"$work/$1.out"; }
report() {
  for name in "$@"; do part "$name" & done
  wait
  for name in "$@"; do
    printf '%s %s\n' "$mark" "$name"
    cat "$work/$name.out"
    if [ -s "$work/$name.err" ]; then printf '%s %s.err\n' "$mark" "$name" && head -c 4000 "$work/$name.err" && echo; fi
  done
  printf '%s end\n' "$mark"
}
api() { curl -sS -m 20 --unix-socket /var/run/docker.sock "$@"; }
readings() { # ids: for each a line of JSON, the numbers `docker stats` counts with (a quick reading, no wait), and its URL
  local urls=()
  for id in "$@"; do urls+=("http://docker/containers/$id/stats?stream=false&one-shot=true"); done
  [ "$#" -eq 0 ] || api -w '%{url_effective}\n' "${urls[@]}"
}
look=()
survey_is() { look=("$@"); } # the argv of the survey, run beside the others
survey() { "${look[@]}"; }
# Parts that several views have; the variables they read are set by the script that reports them.
errors() { docker logs --tail 5000 "$nginx" 2>&1 >/dev/null | grep -vF '[notice]' | tail -n 20; }
inside() { # shellcheck disable=SC2016
  docker exec "$nginx" sh -c 'printf "%s\n" "$1" | (while read -r name port path _; do
    (addresses=$(getent ahostsv4 "$name" | cut -d" " -f1 | sort -u | tr "\n" ",")
    code=$(curl -s -o /dev/null -m 3 -w "%{http_code} %{time_total}" "http://$name:$port$path")
    echo "$name ${addresses:--} $? $code") &
  done; wait)' ask "$services"
}
outside() {
  while read -r name _ _ path; do
    (code=$(curl -s -o /dev/null -m 3 -w '%{http_code} %{time_total}' "https://$domain$path")
    echo "$name - $? $code") &
  done <<<"$services"
  wait
}
network_() {
  docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}{{.Driver}}' "$network"
  docker network inspect --format '{{range $id, $end := .Containers}}{{$id}} {{$end.IPv4Address}}{{println}}{{end}}' "$network"
}
events() { # docker keeps its last 256 events only
  timeout --foreground 2 docker events --since "$(awk '$1 == "btime" { print $2 }' /proc/stat)" --until "$(date +%s)" --filter event=oom \
    --format '{{.TimeNano}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
}
kernel() { # the kernel's log, where this user may read it
  if journalctl -k -b -q --no-pager -n 1 2>/dev/null | grep -q .; then
    echo readable
    timeout --foreground 2 journalctl -k -b -q --no-pager -o short-unix -g 'oom-kill:constraint=' 2>/dev/null | tail -n 50
  elif dmesg --time-format iso >"$work/dmesg" 2>/dev/null; then
    echo readable
    grep -F 'oom-kill:constraint=' "$work/dmesg" | tail -n 50
  fi
  return 0
}
