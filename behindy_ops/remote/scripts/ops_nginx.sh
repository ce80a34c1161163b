# After ops_parts.sh. $1 nginx container, $2 domain, $3 services, one a line: name, port, internal and external path; the
# rest is the survey. What nginx says of itself, and what each service answers it and the world.
nginx=$1 domain=$2 services=$3
shift 3
survey_is "$@"
errors() { docker logs --tail 5000 "$nginx" 2>&1 >/dev/null | grep -vF '[notice]' | tail -n 20; }
inside() { # shellcheck disable=SC2016
  docker exec "$nginx" sh -c 'printf "%s\n" "$1" | (while read -r name port path _; do
    (addresses=$(getent ahostsv4 "$name" | cut -d" " -f1 | sort -u | tr "\n" ",")
    code=$(curl -s -o /dev/null -m 3 -w "%{http_code} %{time_total}" "http://$name:$port$path")
    echo "$name ${addresses:--} $? $code") &
  done; wait)' ask "$services"
}
outside() {
  while read -r name _ _ path; do
    (code=$(curl -s -o /dev/null -m 3 -w '%{http_code} %{time_total}' "https://$domain$path")
    echo "$name - $? $code") &
  done <<<"$services"
  wait
}
report errors inside outside survey
