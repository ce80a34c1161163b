# lib: nginx certs_shared
# Has certbot get or renew the certificate of these names through the nginx that runs, has nginx load it, and sees that
# it is served; where a swarm has several edges, each gets it.
nginx=$1 domain=$2 image=$3 email=$4 project=$5
shift 5
nginx_runs "$nginx" || exit 69
tools=$(docker container inspect --format '{{.Config.Image}}' "$nginx") || exit 69
docker image inspect "$image" >/dev/null 2>&1 || { echo "pulling $image"; docker pull --quiet "$image" >/dev/null || exit 67; }
letsencrypt() { # shell line: as root, on the host's directory
  docker run --rm --network none --volume /etc/letsencrypt:/etc/letsencrypt --entrypoint sh "$tools" -c "$1" sh "$domain"
}
# certbot wants its directory free. nginx goes on with the placeholder it has loaded.
letsencrypt 'cd /etc/letsencrypt/live 2>/dev/null || exit 0
if [ -e "$1/fullchain.pem" ] && [ ! -L "$1/fullchain.pem" ] &&
  openssl x509 -noout -issuer -in "$1/fullchain.pem" | grep -q "behindy-ops placeholder"; then
  rm -rf .placeholder && mv "$1" .placeholder
fi' || exit 1
give_back() {
  letsencrypt 'cd /etc/letsencrypt/live 2>/dev/null && [ -d .placeholder ] || exit 0
if [ -e "$1/fullchain.pem" ]; then rm -rf .placeholder; else rm -rf "$1" && mv .placeholder "$1"; fi'
}
trap give_back EXIT
account=(--register-unsafely-without-email)
[ -z "$email" ] || account=(--email "$email" --no-eff-email)
names=()
for name in "$@"; do names+=(-d "$name"); done
docker rm --force --volumes behindy-certbot >/dev/null 2>&1 # of a run that was cut off
echo "asking for a certificate for $*"
docker run --rm --name behindy-certbot --volume /etc/letsencrypt:/etc/letsencrypt --volume /var/www/certbot:/var/www/certbot \
  "$image" certonly --webroot -w /var/www/certbot --non-interactive --agree-tos "${account[@]}" --keep-until-expiring \
  --renew-with-new-domains --cert-name "$domain" "${names[@]}" >&2 || exit 70
give_back
in_nginx "$nginx" reload || exit 71
echo "nginx loads it"
in_nginx "$nginx" '
for _ in $(seq 20); do
  said=$(serves_the_file "$1") && exit 0
  sleep 0.5
done
echo "$said" >&2
exit 1' "$domain" || exit 71
share_certificates "$project" "$nginx"
