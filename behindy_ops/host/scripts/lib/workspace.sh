# $work: a directory of its own for this run, in memory where that can be had: a full disk is one of the things to be seen.
umask 077
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
export TMPDIR=$work
# A job in the background that is killed as soon as it is begun still has this trap, so it asks who it is.
trap '[ "$BASHPID" != "$$" ] || rm -rf "$work"' EXIT
