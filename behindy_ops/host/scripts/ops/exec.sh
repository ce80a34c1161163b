# lib: client engine
# Runs a command in a container with nothing to read, and ends with its exit code; 61 without such a container or when
# it does not run.
mark=$1 container=$2
shift 2
here=$(container_of "$container") || absent "$mark" "$here"
container_or_exit "$mark" "$here" '{{.State.Status}}'
[ "$found" = running ] || absent "$mark" "$found"
while_heard docker exec "$here" "$@"
