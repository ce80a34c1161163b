# What keeps an edge of a swarm in step, by the sh of nginx's image, as a task of the swarm on each: links by which nginx finds
# names, pages of services that are closed, and certificates. docs/design.md, "Several edges". $1 is the directory of the names as
# the labels of the services have it, $2 nginx's container. /assets is what nginx serves files from. It tells what it has done,
# and whom nginx is connected to, in .names/.edge there, which the other edges read.
names=$1 nginx=$2 serial=0
trap 'exit 0' TERM
api() { curl -sS -m 10 --unix-socket /var/run/docker.sock "$@"; }
asked() { api -gf "http://docker/$1?filters=%7B%22label%22:%5B%22$2%22%5D%7D"; } # list of the engine, label
declared() { # name and name in DNS of all that have one; false where no manager tells
  said=$(asked services "behindy.names=$names") || return
  printf '%s\n' "$said" | grep -oE '"Spec":[{]"Name":"[^"]*","Labels":[{][^}]*' |
    sed -nE 's/.*"behindy.dns":"([^"]*)".*"behindy.name":"([^"]*)".*/\2 \1/p' | sort
}
linked() { # what was declared. Between the two labels of a switch nobody has the name, and its link stays
  printf '%s\n' "$1" | while read -r name dns; do
    [ -n "$dns" ] && [ "$(readlink ".names/$name")" != "ids/$dns" ] || continue
    mkdir -p ".names/ids/$dns" && ln -sfn "ids/$dns" ".names/.$name.edge" && mv -fT ".names/.$name.edge" ".names/$name"
  done
  for each in .names/*; do
    [ ! -L "$each" ] || printf '%s\n' "$1" | grep -qE "^${each##*/}(-blue|-green)? " || rm -f "$each"
  done
  for each in .names/ids/*; do
    printf '%s\n' "$1" | grep -q " ${each##*/}\$" || rmdir "$each" 2>/dev/null
  done
}
closed() { # what is closed to visitors has its page; one that was not put here by this stays
  said=$(asked configs "behindy.page=$names") || return
  pages=$(printf '%s\n' "$said" | grep -oE '"behindy.service":"[a-z0-9-]+"[}],"Data":"[^"]*"' | sed -E 's/.*"([a-z0-9-]+)"[}],"Data":"([^"]*)"/\1 \2/')
  printf '%s\n' "$pages" | while read -r service page; do
    [ -n "$service" ] || continue
    mkdir -p .maintenance && printf %s "$page" | base64 -d >".maintenance/.$service.edge" && : >".maintenance/$service.edge" &&
      mv -f ".maintenance/.$service.edge" ".maintenance/$service.html"
  done
  for each in .maintenance/*.edge; do
    service=${each##*/}
    service=${service%.edge}
    [ ! -e "$each" ] || printf '%s\n' "$pages" | grep -q "^$service " || rm -f ".maintenance/$service.html" "$each"
  done
}
open() { # whom nginx has connections to, as /proc/net/tcp writes addresses
  made=$(api -f -H 'Content-Type: application/json' -d '{"AttachStdout": true, "Cmd": ["cat", "/proc/net/tcp", "/proc/net/tcp6"]}' \
    "http://docker/containers/$nginx/exec") || return
  made=$(api -f -H 'Content-Type: application/json' -d '{"Tty": true}' \
    "http://docker/exec/$(printf %s "$made" | grep -oE '[0-9a-f]{64}')/start") || return
  printf '%s\n' "$made" | awk '$4 == "01" { print "open", substr($3, length($3) - 12) }'
}
step() {
  exec 9<.names && flock 9 || return
  found=$(declared) && linked "$found" && closed
  code=$?
  flock -u 9
  serial=$((serial + 1)) busy=''
  [ "$code" = 0 ] || return "$code"
  case $found in *-green\ * | *-blue\ *) busy=yes ;; esac
  {
    echo "serial $(cat /proc/sys/kernel/random/boot_id)-$$-$serial"
    printf '%s\n' "$found" | sed -n '/./s/^/name /p'
    for each in .maintenance/*.html; do [ ! -e "$each" ] || echo "closed $(basename "$each" .html)"; done
    [ -z "$busy" ] || open || echo blind
    [ -z "$given" ] || echo certificates
    echo end
  } >.names/.edge.new && mv -f .names/.edge.new .names/.edge
}
certificates() { # of the swarm's secret, where certbot has none of its own
  [ -e /run/secrets/certificates ] || return 0
  rm -rf /letsencrypt/.edge && mkdir -p /letsencrypt/.edge /letsencrypt/live && tar -x -C /letsencrypt/.edge -f /run/secrets/certificates || return
  for each in /letsencrypt/.edge/live/*/; do
    each=${each%/} place=/letsencrypt/live/$(basename "$each")
    if [ -L "$place/fullchain.pem" ] || cmp -s "$each/fullchain.pem" "$place/fullchain.pem"; then continue; fi
    mkdir -p "$place" && chmod 600 "$each/privkey.pem" && mv -f "$each/privkey.pem" "$each/fullchain.pem" "$place/" || return
    api -f -X POST "http://docker/containers/$nginx/kill?signal=HUP" # if it runs
  done
  rm -rf /letsencrypt/.edge
}
umask 077
given=''
certificates && [ -e /run/secrets/certificates ] && given=yes
umask 022
cd /assets && mkdir -p .names/ids && chmod 755 .names .names/ids || exit
rm -f /tmp/events && mkfifo /tmp/events && exec 3<>/tmp/events || exit
while :; do
  curl -sSN --unix-socket /var/run/docker.sock 'http://docker/events?filters=%7B%22type%22:%5B%22service%22,%22config%22%5D%7D' >&3
  sleep 1
done 2>/dev/null &
while :; do
  step
  if [ -n "$busy" ]; then timeout 0.2 head -n 1 <&3; else timeout 5 head -n 1 <&3; fi >/dev/null
done
