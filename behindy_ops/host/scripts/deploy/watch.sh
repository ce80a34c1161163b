# lib: engine
# Watches a container that was just made live: ends at its first exit or restart, or at `until` (ms since the epoch).
# Prints its state.
container=$1 until=$2 template=$3
left=$((until - $(now)))
if [ "$left" -gt 0 ]; then
  timeout "$((left / 1000)).$(printf '%03d' $((left % 1000)))" docker wait "$container" >/dev/null 2>&1
fi
echo "state $(inspect "$container" "$template" || echo none)"
