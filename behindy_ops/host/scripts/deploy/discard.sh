# lib: engine masked atomic assets
# Shows a failed release's state and its last log lines (without values of its environment), marks it failed (`release`:
# its directory, or ""), and removes it; that it is gone already is success. `seen`: whether users have met it, whose pages
# may still ask for its static files. `grace`: seconds it has to end what it has begun, or 0.
container=$1 template=$2 lines=$3 release=$4 seen=$5 grace=${6:-0}
state "$container" "$template"
log_of "$lines" "$container" 2>&1 | masked given_to "$container" | sed 's/^/log /'
[ -z "$release" ] || ! [ -d "$release" ] || atomically "$release/status" <<<failed
of "${release%/state/releases/*}" "$(basename "${release%/*}")"
[ "$seen" = yes ] || [ -z "$release" ] || drop "${release##*/}"
[ "$grace" = 0 ] || unless_gone stop_within "$grace" "$container"
remove "$container"
