# lib: engine
# One health attempt from inside nginx: ends at the first success, when green exits, or when `window` is over; `pause`
# is between looks; both in seconds.
nginx=$1 green=$2 url=$3 window=$4 pause=$5 template=$6
docker wait "$green" >/dev/null 2>&1 &
watcher=$!
docker exec "$nginx" timeout "$window" sh -c '
while :; do
code=$(curl -s -o /dev/null -m "$2" -w "%{http_code}" "$1"); echo "look $code $?"
case $code in 2??|3??) exit 0 ;; esac
sleep "$3"
done' look "$url" "$window" "$pause" &
looker=$!
wait -n "$watcher" "$looker"
kill "$watcher" "$looker" 2>/dev/null
wait "$looker" 2>/dev/null
state "$green" "$template"
