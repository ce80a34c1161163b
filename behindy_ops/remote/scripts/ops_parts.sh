# Put before every ops_*.sh that prints parts (ops/run.py). $1 is the boundary, see sections.py; the rest is theirs.
# `report` runs functions side by side and prints what each said under `<boundary> <name>`. What they leave goes to
# memory first: a full disk is one of the things to be seen.
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
