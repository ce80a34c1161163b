# lib: shared lock nginx atomic certs_shared
# Renews the domain's certificate once it has few days left: what host.certs does, by the same script, for the names it
# has. $1 state directory, $2 nginx container, $3 domain, $4 days; then host/certs_issue.sh with what comes before the names, the project
# last. Where a swarm has several edges, what these did not get when it was renewed they get the next time.
nginx=$2 domain=$3 days=$4 patience=60
shift 4
nginx_runs "$nginx" || { echo 'nginx is not running'; exit 69; }
seen=$(docker exec "$nginx" sh -c '
file=/etc/letsencrypt/live/$1/fullchain.pem
openssl x509 -noout -issuer -in "$file" | grep -q "behindy-ops placeholder" && { echo placeholder; exit; }
openssl x509 -noout -checkend "$2" -in "$file" >/dev/null && { openssl x509 -noout -enddate -in "$file"; exit; }
openssl x509 -noout -ext subjectAltName -in "$file" | grep -o "DNS:[^, ]*"' look "$domain" "$((days * 86400))" 2>&1) ||
  { printf '%s\n' "$seen" "no certificate of $domain can be read"; exit 1; }
case $seen in
placeholder) echo 'not yet: get the first certificate with inv host.certs'; exit 0 ;;
notAfter=*)
  share_certificates "${@: -1}" "$nginx" 2>&1 || { echo 'the other edges of the swarm do not get it'; exit 1; }
  echo "valid until ${seen#notAfter=}"
  exit 0
  ;;
esac
mapfile -t names <<<"${seen//DNS:/}"
# nginx is reloaded at the end of it, which may not fall into a deploy.
trap 'case $? in
73) echo "somebody else has been changing this host for an hour" ;;
74) echo "somebody holds this host: inv lock.status" ;;
esac' EXIT
settled || exit 73
lease < <(printf '{"who": "behindy-certs on this host", "what": "renewal of the certificate", "since": "%s", "token": "timer"}\n' \
  "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
"$@" "${names[@]}" 9>&- 7>&- || exit
echo "renewed for ${names[*]}"
