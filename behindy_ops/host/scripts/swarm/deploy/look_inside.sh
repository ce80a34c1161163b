# lib: workspace engine masked
# One health attempt from inside nginx, as deploy/look_inside.sh: of a service of the swarm every replica is asked, by its own
# address, once as many run as it is to have.
nginx=$1 green=$2 url=$3 window=$4 pause=$5 template=$6 expected=${7:-} body=${8:-} well=''
end=$(($(now) + ${window%.*} * 1000))
rest=${url#*://*:}
port=${rest%%/*}
path=${rest#"$port"}
looked() { # addresses. A line `look` for each, the one that is not well last; false where one is not
  docker exec "$nginx" timeout "$window" sh -c '
port=$1 path=$2 window=$3 expected=$4 body=$5 bad=
shift 5
well() {
case $expected in
"") case $code in 2??|3??) ;; *) return 1 ;; esac ;;
*" $code "*) ;;
*) return 1 ;;
esac
}
for address in "$@"; do
answer=$(curl -s -m "$window" -w "
%{http_code}" "http://$address:$port$path")
ended=$? lacking=
code=${answer##*
}
if well; then case ${answer%"$code"} in *"$body"*) ;; *) lacking=" lacking" ;; esac; fi
if well && [ -z "$lacking" ]; then echo "look $code $ended"; else bad="$bad
look $code $ended$lacking
asked $address"; fi
done
[ -z "$bad" ] || { echo "$bad"; exit 1; }' look "$port" "$path" "$window" "$expected" "$body" "$@"
}
while :; do
  seen=$(state "$green" "$template")
  case $seen in *'"state":"failed"'* | *'"state":"rejected"'* | *'"status":"exited"'* | 'state none') break ;; esac
  id=$(unit "$green") wanted=$(sed -nE 's/.*"replicas":([0-9]+).*/\1/p' <<<"$seen")
  if [ -z "$id" ]; then addresses=("$green"); else mapfile -t addresses < <(running "$id" | cut -d ' ' -f 2); fi
  if [ "${#addresses[@]}" -ge "${wanted:-1}" ] && looked "${addresses[@]}" >"$work/looks"; then well=ok && break; fi
  [ "$(now)" -lt "$end" ] || break
  sleep "$pause"
done
while [[ $seen == *'"health":"starting"'* ]] && [ "$(now)" -lt "$end" ]; do sleep 0.2 && seen=$(state "$green" "$template"); done
grep '^look ' "$work/looks" 2>/dev/null
printf '%s\n' "$seen"
[ -z "$well" ] || echo "$well"
