# $1 state directory, $2 lease token, then a command: runs it only while that lease is held.
# The order matters, first the shared lock on `busy`, then the check: docs/design.md, "Fence and busy".
state=$1 token=$2
shift 2
exec 8>>"$state/busy" || exit 75
flock -s -w 10 8 || exit 75
engine=$(readlink "$state/lock.json") && engine=${engine%/*} # a link, where there is one lock for all logins
[ -z "$engine" ] || { exec 7<"$engine/busy" && flock -s -w 10 7; } || exit 75
grep -qF "$token" "$state/lock.json" 2>/dev/null || exit 75
if flock -n "$state/lock" true; then exit 75; fi
"$@"
