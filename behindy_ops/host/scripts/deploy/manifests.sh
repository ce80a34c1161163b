# lib: workspace login
# Prints what the registry says of images, the user's token on stdin: `manifest <reference>`, its JSON, and how that
# ended. Nothing is pulled.
login "$1" "$2"
shift 2
ask() { # reference, file for what is said of an error
  local options=(--verbose)
  case $1 in localhost:* | 127.*) options+=(--insecure) ;; esac
  printf 'manifest %s\n' "$1"
  timeout 20 docker manifest inspect "${options[@]}" "$1" 2>"$2" | grep -v '"Raw":'
  printf 'ended %s %s\n' "${PIPESTATUS[0]}" "$(head -c 300 "$2" | tr '\n' ' ')"
}
number=0 answers=()
for reference in "$@"; do
  answers+=("$work/$((number += 1))")
  ask "$reference" "$work/$number.err" >"$work/$number" &
done
wait
cat "${answers[@]}"
printf 'arch %s\n' "$(docker version --format '{{.Server.Arch}}')"
