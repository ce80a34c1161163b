# lib: engine
# $1 nginx container, $2 green, $3 URL, $4 seconds to look, $5 seconds between looks, $6 container template.
# One health attempt from inside nginx: ends at the first success, when green exits, or when the time is over.
nginx=$1 green=$2 url=$3 window=$4 pause=$5 template=$6
docker wait "$green" >/dev/null 2>&1 &
watcher=$!
# shellcheck disable=SC2016
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
