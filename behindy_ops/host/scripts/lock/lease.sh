# lib: shared lock atomic
# $2 seconds of silence after which the lease ends, $3 boundary, $4 who holds it (JSON, one line; nothing in it is secret,
# and what comes on stdin takes a round trip more), then the survey's arguments. Prints `<boundary> lease`, then the survey; then it lives as long as
# a line arrives on stdin every $2 seconds, and answers each with one: docs/design.md, "Lock".
silence=$2 mark=$3 holder=$4
shift 4
lease
umask 077
printf '%s lease\n' "$mark"
if [ "$#" -gt 0 ]; then timeout -k 5 60 "$@" 9>&- 7>&-; fi
printf '%s ready\n' "$mark"
while read -t "$silence" -r _; do echo; done
