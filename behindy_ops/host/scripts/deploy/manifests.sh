# lib: workspace login
# Prints what the registry says of images, the user's token on stdin: `manifest <reference>`, its JSON, and how that
# ended. Nothing is pulled.
login "$1" "$2"
shift 2
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
