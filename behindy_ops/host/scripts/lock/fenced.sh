# $1 state directory, $2 lease token, then a command: runs it only while that lease is held.
# The shared lock on `busy` outlives a client that dies in the middle of this command: the next lease waits for it
# before it looks at the host (lease.sh), so nobody decides from a state that is still changing.
# Order matters: first busy, then the check. The other way round, a lease could change hands in between.
state=$1 token=$2
shift 2
exec 8>>"$state/busy" || exit 75
flock -s -w 10 8 || exit 75
grep -qF "$token" "$state/lock.json" 2>/dev/null || exit 75
if flock -n "$state/lock" true; then exit 75; fi
"$@"
