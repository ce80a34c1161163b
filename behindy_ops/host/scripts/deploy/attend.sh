# lib: engine masked
# Waits until a command that runs once has ended. Prints what it writes, each line after `log` and without values of its
# environment, then its state; removes it if it ended well, or with `always` in any case: by its id, so that this can be
# about nobody else's and needs no lock. It is done, too, where nobody listens any more.
container=$1 template=$2 always=$3
trap '' PIPE
docker logs --follow "$container" 2>&1 | masked given_to "$container" | sed -u 's/^/log /' &
until docker wait "$container" >/dev/null 2>&1; do
  [ "$(inspect "$container" '{{.State.Running}}')" = true ] || break
  sleep 0.2
done
wait
found=$(state "$container" "$template")
printf '%s\n' "$found"
code=$(inspect "$container" '{{.State.Running}} {{.State.ExitCode}}')
case $code in "false 0") ;; false*) [ -n "$always" ] ;; *) false ;; esac || exit 0
remove "$container"
