# lib: shared lock atomic
# $2 seconds of silence after which the lease ends, $3 boundary, then the survey's arguments.
# First line of stdin: who holds it (JSON, one line). Prints `<boundary> lease`, then the survey; then it lives as long as
# a line arrives on stdin every $2 seconds, and answers each with one: docs/design.md, "Lock".
silence=$2 mark=$3
shift 3
lease
umask 077
printf '%s lease\n' "$mark"
if [ "$#" -gt 0 ]; then timeout -k 5 60 "$@" 9>&- 7>&-; fi
printf '%s ready\n' "$mark"
while read -t "$silence" -r _; do echo; done
