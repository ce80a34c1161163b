# lib: client engine masked compose release once
# Runs a command once in a container of its own, of the live release of a service, with nothing to read; ends with its exit
# code. 61 without such a release. The container is named for this process and goes with it; those of others that were
# killed go first.
mark=$1 root=$2 service=$3 network=$4
container_or_exit "$mark" "$service" '{{index .Config.Labels "behindy.release"}}'
of_release "$root" "$service" "$found"
shift 4
[ -n "$found" ] && [ -e "$keep/override.yml" ] || absent "$mark" unkept
while read -r left; do
  [ -z "$left" ] || { [ -e "/proc/${left##*-}" ] && [ "${left##*-}" != "$$" ]; } || remove "$left" >/dev/null
done < <(docker ps -a --filter label=behindy.once=run --filter "name=^/$service-run-" --format '{{.Names}}')
name=$service-run-$$
# A job in the background that is ended as soon as it is begun still has these traps, so it asks who it is.
trap '[ "$BASHPID" != "$$" ] || remove "$name" >/dev/null' EXIT
trap 'exit 143' TERM INT HUP
once "$name" run "$@" || exit
while_heard docker logs --follow "$name" || exit 143 # the client has gone, or the engine
exit "$(docker wait "$name")"
