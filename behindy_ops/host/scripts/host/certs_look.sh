# lib: nginx
# Prints the host's clock, and the domain's certificate as the nginx that runs sees it, in base64, and whether it
# serves another one; changes nothing.
nginx=$1 domain=$2
nginx_runs "$nginx" || exit 69
echo "now $(date +%s)"
echo "certificate $(docker exec "$nginx" sh -c 'cat "/etc/letsencrypt/live/$1/fullchain.pem"' look "$domain" 2>/dev/null | base64 -w 0)"
if said=$(in_nginx "$nginx" 'serves_the_file "$1"' "$domain" 2>/dev/null); then echo "loaded yes"; elif [ -n "$said" ]; then echo "loaded no"; fi
