# $1 nginx container, $2 network, $3 name, $4 the container that has it now. For an nginx that resolves names only when
# it loads its configuration: reloads it so that the name leads to this container alone, although an alias that Compose
# gave lets the previous one answer to it too. While it loads, its /etc/hosts says where the name leads; requests that
# are under way stay with the old workers and the old container. Prints the host's clock (ms) when new workers are there.
nginx=$1 network=$2 name=$3
address=$(docker container inspect --format "{{with index .NetworkSettings.Networks \"$network\"}}{{.IPAddress}}{{end}}" "$4") || exit 1
[ -n "$address" ] || { echo "$name has no address on $network" >&2; exit 91; }
# shellcheck disable=SC2016
docker exec -u 0 "$nginx" sh -c '
name=$1 address=$2 file=
set -- $(tr "\000" " " </proc/1/cmdline)
while [ "$#" -gt 1 ]; do [ "$1" != -c ] || file=$2; shift; done
unpin() { rest=$(grep -v "# behindy-ops$" /etc/hosts); printf "%s\n" "$rest" >/etc/hosts; }
workers() {
  for each in /proc/[0-9]*; do
    case $(tr "\000" " " 2>/dev/null <"$each/cmdline") in
    *"shutting down"*) ;;
    "nginx: worker process"*) echo "${each#/proc/}" ;;
    esac
  done
}
before=" $(workers | tr "\n" " ")"
trap unpin EXIT
unpin
printf "%s\n" "$address $name # behindy-ops" >>/etc/hosts
nginx -t -q ${file:+-c "$file"} || exit 63
nginx ${file:+-c "$file"} -s reload || exit 72
for try in $(seq 100); do
  for worker in $(workers); do
    case $before in *" $worker "*) ;; *) exit 0 ;; esac
  done
  sleep 0.1
done
echo "nginx did not start new workers within 10 s" >&2
exit 72' follow "$name" "$address" || exit
echo "switched $(date +%s%3N)"
