# lib: engine nginx history atomic
# Closes a service to visitors, `on`, or opens it again, `off`: nginx looks for its page with each request, so nothing is
# reloaded. stdin: a history line; to close it, a line that says who did so and when, and the page. Whether that has an
# effect is for the nginx that runs to say: it may have loaded files that know nothing of it. Other edges of a swarm have it
# before it counts (lib/engine.sh).
dir=$1 service=$2 wanted=$3 nginx=$4 history=$5 rotate=$6
place=$dir/assets/.maintenance
page=$place/$service.html
IFS= read -r line
answered() { docker exec "$nginx" curl -s -m 5 "http://127.0.0.1/.behindy/maintenance/$service"; }
umask 022
if [ "$wanted" = on ]; then
  nginx_runs "$nginx" || exit 69
  case $(answered) in on | off) ;; *) exit 98 ;; esac
  IFS= read -r record
  mkdir -p "$place" && atomically "$place/$service.json" <<<"$record" && atomically "$page" || exit 77
  if [ "$(answered)" != on ]; then
    rm -f "$page" "$place/$service.json"
    exit 98
  fi
  if ! close_elsewhere "$service" "$page" "$nginx"; then
    open_elsewhere "$service" "$dir/assets/.names" "$nginx"
    rm -f "$page" "$place/$service.json"
    exit 1
  fi
else
  open_elsewhere "$service" "$dir/assets/.names" "$nginx" || exit 1
  rm -f "$page" "$place/$service.json" || exit 77
fi
umask 077
rotate "$history" "$rotate" && append "$history" <<<"$line"
