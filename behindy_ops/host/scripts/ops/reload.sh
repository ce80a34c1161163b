# $1 nginx container. Tests its configuration and, if it is valid, reloads it; 63 if it is not. Ends once it answers.
nginx=$1
# shellcheck disable=SC2016
docker exec "$nginx" sh -c '
file=
set -- $(tr "\000" " " </proc/1/cmdline)
while [ "$#" -gt 1 ]; do [ "$1" != -c ] || file=$2; shift; done
nginx -t ${file:+-c "$file"} || exit 63
nginx ${file:+-c "$file"} -s reload || exit 72
for try in 1 2 3 4 5 6 7 8 9 10; do
  curl -fs -o /dev/null -m 2 http://127.0.0.1/health && exit 0
  sleep 0.3
done
exit 72'
