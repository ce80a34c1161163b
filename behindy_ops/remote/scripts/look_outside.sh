# $1 header file or "", $2 seconds to look, $3 seconds between looks, $4 not done before (ms since the epoch, or 0),
# $5 nginx container, $6 name to resolve inside it or "", then the URLs. One attempt from outside: every URL must
# answer, and go on answering until $4: until then nginx may still ask the previous release.
header=$1 window=$2 pause=$3 settled=$4 nginx=$5 name=$6
shift 6
now() { date +%s%3N; }
secret=()
[ -z "$header" ] || secret=(-H "@$header")
look() {
  answer=$(curl -sS -o /dev/null -D - -m "$window" "${secret[@]}" -w 'code %{http_code}\n' "$1" 2>/dev/null)
  status=$?
  code=$(awk '$1 == "code" {print $2}' <<<"$answer")
  asked=$(awk -F': ' 'tolower($1) == "x-behindy-candidate" {sub(/\r/, "", $2); print $2}' <<<"$answer")
  echo "look ${code:-000} $status ${asked:-none}"
  case $code in 2?? | 3??) return 0 ;; *) return 1 ;; esac
}
end=$(($(now) + ${window%.*} * 1000))
[ "$end" -ge "$settled" ] || end=$((settled + 1000))
while :; do
  good=yes
  for url in "$@"; do look "$url" || { good=no; break; }; done
  moment=$(now)
  if [ $good = yes ] && [ "$moment" -ge "$settled" ]; then
    if [ -n "$name" ]; then
      # Asked for now: an engine that was restarted in between has given out its addresses anew.
      echo "address $(docker container inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$name")" &
      echo "names $(docker exec "$nginx" getent ahosts "$name" | awk '{print $1}' | sort -u | tr '\n' ' ')"
      wait
    fi
    echo ok
    exit 0
  fi
  [ "$moment" -lt "$end" ] || exit 0
  sleep "$pause"
done
