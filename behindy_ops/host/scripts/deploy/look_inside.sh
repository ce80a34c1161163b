# lib: workspace engine masked
# One health attempt from inside nginx: ends at the first success, when green exits, or when `window` is over; `pause`
# is between looks, half of that in the first dozen; both in seconds. After an HTTP error it prints the answer's body in
# one line, without values of green's environment. `expected`: the statuses that are well, with a space around each, or
# "" for 200 to 399; `body`: what the answer has to contain, or "". Of one that answers, Docker's own health check is
# waited for as well. Ends with a line `ok` where the answer was well.
nginx=$1 green=$2 url=$3 window=$4 pause=$5 template=$6 expected=${7:-} body=${8:-} well=''
end=$(($(now) + ${window%.*} * 1000))
docker wait "$green" >/dev/null 2>&1 &
watcher=$!
docker exec "$nginx" timeout "$window" sh -c '
looks=0 expected=$5 body=$6
well() {
case $expected in
"") case $code in 2??|3??) ;; *) return 1 ;; esac ;;
*" $code "*) ;;
*) return 1 ;;
esac
}
while :; do
if [ -z "$body" ]; then answer=$(curl -s -o /dev/null -m "$2" -w "%{http_code}" "$1"); else answer=$(curl -s -m "$2" -w "
%{http_code}" "$1"); fi
ended=$? lacking=
code=${answer##*
}
if well; then case ${answer%"$code"} in *"$body"*) ;; *) lacking=" lacking" ;; esac; fi
echo "look $code $ended$lacking"
if well && [ -z "$lacking" ]; then exit 0; fi
looks=$((looks + 1))
if [ "$looks" -le 12 ]; then sleep "$4"; else sleep "$3"; fi
done' look "$url" "$window" "$pause" "$(awk -v pause="$pause" 'BEGIN { print pause / 2 }')" "$expected" "$body" >"$work/looks" &
looker=$!
wait -n "$watcher" "$looker"
kill "$watcher" "$looker" 2>/dev/null
wait "$looker" 2>/dev/null && well=ok
cat "$work/looks"
read -r _ code _ <<<"$(tail -n 1 "$work/looks")"
case $expected-$code in *" $code "*) ;; *-[45]??)
  docker exec "$nginx" curl -s -m 3 --fail-with-body "$url" >"$work/answer"
  # 22: it still is an error. Masked before anything is cut off; no character that ends a line is left in it.
  [ "$?" != 22 ] || echo "body $(head -c 65536 "$work/answer" | masked given_to "$green" | tr -s '[:cntrl:]' ' ' |
    LC_ALL=C sed -E 's/\xe2\x80[\xa8\xa9]|\xc2\x85/ /g')" ;;
esac
while seen=$(state "$green" "$template") && [[ $seen == *'"health":"starting"'* ]] && [ "$(now)" -lt "$end" ]; do sleep 0.2; done
printf '%s\n' "$seen"
[ -z "$well" ] || echo "$well"
