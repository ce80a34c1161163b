# $1 domain. Prints how the domain's certificate is, as the nginx that runs sees it; changes nothing. Exit code 69: no
# nginx runs.
domain=$1
[ "$(docker container inspect --format '{{.State.Running}}' nginx 2>/dev/null)" = true ] || exit 69
echo "now $(date +%s)"
# shellcheck disable=SC2016
text=$(docker exec nginx sh -c 'openssl x509 -noout -enddate -issuer -ext subjectAltName -in "/etc/letsencrypt/live/$1/fullchain.pem"' \
  look "$domain" 2>/dev/null) || { echo none; exit 0; }
echo "until $(date -d "$(sed -n 's/^notAfter=//p' <<<"$text")" +%s)"
grep -q 'behindy-ops placeholder' <<<"$text" && echo placeholder
grep -oE 'DNS:[^, ]+' <<<"$text" | sed 's/^DNS:/name /'
