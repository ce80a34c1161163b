# lib: engine
# Watches a container that was just made live: ends at its first exit or restart, or at `until` (ms of the host's
# uptime), at most `limit` seconds from now. Prints its state. An engine that goes away in between is no verdict.
container=$1 until=$2 template=$3 limit=$4
until=$(within "$until" "$((limit * 1000))")
while left=$((until - $(now))) && [ "$left" -gt 0 ]; do
  ended_within "$container" "$((left / 1000)).$(printf '%03d' $((left % 1000)))"
  case $? in 0 | 124) break ;; esac
  inspect "$container" '{{.Id}}' >/dev/null || break # that its engine restarts says nothing about the container
done
state "$container" "$template"
