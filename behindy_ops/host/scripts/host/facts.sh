# lib: sections engine masked compose nginx data visitors swarm
# Prints what host.check and host.setup want to know of a host; changes nothing. Needs no Docker, curl or flock: a bare
# host has none of them.
dir=$1 domain=$2 nginx=$3
shift 3 # the rest: paths of what host.setup places
# A login by SSH has no administrator's directories on its path, and some of the programs asked for live there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
has() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
section system
cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
section login
echo "arch $(uname -m)"
echo "user $(id -un)"
echo "listed $(id -Gn "$(id -un)")" # as a new login would have them
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then echo "root yes"; fi
if [ -e /.dockerenv ] || [ -e /run/.containerenv ] || { has systemd-detect-virt && systemd-detect-virt --container --quiet; }; then
  echo "container yes"
fi
if [ -e /var/run/reboot-required ]; then echo "reboot needed"; fi
section tools
for tool in bash curl flock timeout awk docker apt-get dnf; do has "$tool" && echo "$tool"; done
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
  if [ -s "$bundle" ]; then echo ca-certificates && break; fi # without them curl believes no certificate at all
done
section docker
if has docker; then
  timeout 20 docker version --format 'engine {{.Server.Version}}' 2>&1 | tail -n 1
  compose version --short 2>/dev/null | sed -n '1s/^v\{0,1\}/compose /p'
  engine=$(described_engine)
  echo "kind $engine"
  echo "data $(fullest "$engine" | awk '{ print $3 }')"
  running=$(timeout 20 docker ps -q 2>/dev/null | wc -l)
  echo "running $running"
  timeout 20 docker info --format 'swarm {{.Swarm.LocalNodeState}}
live {{.LiveRestoreEnabled}}' 2>/dev/null ||
    { as_root test -s /var/lib/docker/swarm/docker-state.json 2>/dev/null && echo swarm active; }
fi
section swarm_
if has curl; then swarm_; fi
section nodes_
if has docker; then nodes_; fi
section edges_ # of a swarm: those that are there, and do not tell what they do
edges | while read -r id _; do edge_says "$id" "$nginx" >/dev/null || echo "silent $id"; done
section token
if [ "${running:-0}" -gt 0 ] && nginx_runs "$nginx"; then
  in_nginx_with_token "$dir" "$domain" "$nginx" 'token "$1" "$2"' 2>/dev/null
fi
section memory
sed -nE 's/^(MemTotal|MemAvailable|SwapTotal|SwapFree):[[:space:]]+([0-9]+) kB/\1 \2/p' /proc/meminfo
echo "swappiness $(cat /proc/sys/vm/swappiness 2>/dev/null)"
section disk
{ printf '%s\n' / "$HOME" && data_places "${engine:-/var/lib/docker}"; } | xargs -d '\n' df -B1 --output=size,avail,target 2>/dev/null |
  awk 'NR > 1 && !seen[$3]++ {print $1, $2, $3}'
section clock
echo "now $(date +%s.%N)"
if has timedatectl; then echo "synchronized $(timedatectl show -p NTPSynchronized --value 2>/dev/null)"; fi
section logging
daemon=/etc/docker/daemon.json
if [ -e "$daemon" ] || as_root test -e "$daemon" 2>/dev/null; then
  if { cat "$daemon" || as_root cat "$daemon"; } 2>/dev/null; then echo; else failed logging 1; fi
fi
section updates
if has apt-config; then
  eval "$(apt-config shell lists APT::Periodic::Update-Package-Lists upgrade APT::Periodic::Unattended-Upgrade)"
  has unattended-upgrade && [ "${lists:-0}" != 0 ] && [ "${upgrade:-0}" != 0 ] && echo automatic
elif has systemctl; then
  [ "$(systemctl is-enabled dnf-automatic.timer 2>/dev/null)" = enabled ] &&
    grep -qE '^[[:space:]]*apply_updates[[:space:]]*=[[:space:]]*yes' /etc/dnf/automatic.conf 2>/dev/null &&
    { ! grep -q '^ID="\?amzn"\?$' /etc/os-release || [ "$(cat /etc/dnf/vars/releasever 2>/dev/null)" = latest ]; } &&
    echo automatic
fi
section timers
echo "directory $(readlink -m "$dir")"
if [ -d /run/systemd/system ]; then
  echo "systemd yes"
  for file in "$@"; do
    case $file in *.timer) timer=${file##*/} ;; *) continue ;; esac
    if systemctl -q is-enabled "$timer" 2>/dev/null && systemctl -q is-active "$timer"; then echo "on ${timer%.timer}"; fi
  done
elif has cron || has crond; then echo "cron yes"; fi
for file in "$@"; do
  if [ -e "$file" ]; then sha256sum "$file" 2>/dev/null | sed 's/^/placed /'; fi
done
section files
for file in . state rehearsal compose nginx .env rehearsal/header rehearsal/map.conf compose/docker-compose.yml \
  nginx/nginx.conf nginx/real_ip.conf; do
  [ -e "$dir/$file" ] && echo "$file $(stat -L -c %a "$dir/$file")"
done
[ -L "$dir/compose/.env" ] && echo "compose/.env link"
section visitors
visitors
section certificate
if as_root test -e "/etc/letsencrypt/live/$domain/fullchain.pem" 2>/dev/null; then echo there; fi
section end
