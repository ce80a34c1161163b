# $1 registry, $2 user or "", then image references; the user's token on stdin. Prints what the registry says of each:
# `manifest <reference>`, its JSON, and how that ended. Nothing is pulled. The login lives in a directory of its own.
registry=$1 user=$2
shift 2
umask 077
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
trap 'rm -rf "$work"' EXIT
if [ -n "$user" ]; then
  export DOCKER_CONFIG=$work/login
  docker login --username "$user" --password-stdin "$registry" >/dev/null || exit 41
fi
number=0
for reference in "$@"; do
  case $reference in localhost:* | 127.*) insecure=--insecure ;; *) insecure= ;; esac
  # shellcheck disable=SC2086 # an option, or none
  { timeout 20 docker manifest inspect --verbose $insecure "$reference" >"$work/$number" 2>"$work/$number.err"
    echo $? >"$work/$number.code"; } &
  number=$((number + 1))
done
wait
number=0
for reference in "$@"; do
  printf 'manifest %s\n' "$reference"
  grep -v '"Raw":' "$work/$number"
  printf 'ended %s %s\n' "$(cat "$work/$number.code")" "$(head -c 300 "$work/$number.err" | tr '\n' ' ')"
  number=$((number + 1))
done
printf 'arch %s\n' "$(docker version --format '{{.Server.Arch}}')"
