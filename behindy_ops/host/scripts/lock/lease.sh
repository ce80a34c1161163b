# $1 state directory, $2 seconds of silence after which the lease ends, $3 boundary, then the survey's arguments.
# First line of stdin: who holds it (JSON, one line). Prints `<boundary> held|hold|lease`, then the survey; then it
# lives as long as a line arrives on stdin every $2 seconds, and answers each with one: docs/design.md, "Lock".
state=$1 silence=$2 mark=$3
shift 3
umask 077
[ -d "${state%/*}" ] || exit 80
mkdir -p "$state" || exit 77
command -v flock >/dev/null || exit 78
read -r holder || exit 79
exec 9>>"$state/lock" || exit 77
if ! flock -n 9; then
  printf '%s held\n' "$mark"
  cat "$state/lock.json" 2>/dev/null
  exit 73
fi
if [ -s "$state/hold.json" ]; then
  printf '%s hold\n' "$mark"
  cat "$state/hold.json"
  exit 74
fi
printf '%s\n' "$holder" > "$state/lock.json.new" && mv "$state/lock.json.new" "$state/lock.json" || exit 77
trap 'rm -f "$state/lock.json"' EXIT
( exec 8>>"$state/busy" && flock -x -w 90 8 ) 9>&- || { printf '%s busy\n' "$mark"; exit 76; }
printf '%s lease\n' "$mark"
if [ "$#" -gt 0 ]; then timeout -k 5 60 "$@" 9>&-; fi
printf '%s ready\n' "$mark"
while read -t "$silence" -r _; do echo; done
