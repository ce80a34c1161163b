# Whether Docker's firewall rules lead to nginx. Once they are flushed its proxy still does, from the address of nginx's
# gateway: docs/design.md, "Docker's firewall rules".
rules() {
  local PATH=$PATH:/usr/sbin:/sbin pid gateway own nat
  if grep -qs '"iptables"[[:space:]]*:[[:space:]]*false' /etc/docker/daemon.json; then return 0; fi
  read -r pid gateway < <(docker container inspect \
    --format '{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}' "$nginx" 2>/dev/null)
  gateway=${gateway%% *} own=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -nE 's/.* src ([0-9.]+).*/\1/p')
  [ -n "$own" ] && [ -n "$gateway" ] && [ -r "/proc/$pid/net/tcp" ] || return 0
  [ "$(timeout 10 bash -c "$seen_from" from "$own" "$pid" "$(hexed "$own")" "$(hexed "$gateway")" 2>/dev/null)" = gateway ] || return 0
  if nat=$(if [ "$(id -u)" = 0 ]; then iptables -t nat -S; else sudo -n iptables -t nat -S; fi 2>/dev/null); then
    if grep -q '^-A PREROUTING .*-j DOCKER$' <<<"$nat" && grep -q '^-A DOCKER .*--dport 443 .*-j DNAT' <<<"$nat"; then return 0; fi
    echo gone # for sure; else a rule of somebody's own may change the address
  else echo passed; fi
}
hexed() { # an address as /proc has it
  local IFS=.
  # shellcheck disable=SC2086
  set -- $1
  printf '%02X%02X%02X%02X' "$4" "$3" "$2" "$1"
}
# Our address, nginx's process, our address and the gateway in hex. What nginx sees of a connection from here, which is there at
# once; others that come through the proxy (by 127.0.0.1) are seen from the gateway always.
seen_from='exec 3<>"/dev/tcp/$1/443" || exit
for _ in 1 2 3; do
  found=$(awk "\$4 == \"01\" && \$2 ~ /:01BB\$/ {print substr(\$3, length(\$3) - 12, 8)}" "/proc/$2/net/tcp" "/proc/$2/net/tcp6" 2>/dev/null)
  case $found in *"$3"*) exit ;; esac
  sleep 0.1
done
case $found in *"$4"*) echo gateway ;; esac'
