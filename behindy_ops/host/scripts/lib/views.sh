# Sections that several views have; the variables they read are set by the script that reports them.
survey() { "${look[@]}"; } # its argv, run beside the others
errors() { docker logs --tail 5000 "$nginx" 2>&1 >/dev/null | grep -vF '[notice]' | tail -n 20; }
inside() {
  [ -n "$services" ] || return 0
  local service rest asked=''
  while read -r service rest; do # one that a swarm runs has another name in DNS (lib/engine.sh)
    asked+="$service $(name_in_dns "$service" 2>/dev/null || echo "$service") $rest"$'\n'
  done <<<"$services"
  docker exec "$nginx" sh -c 'printf "%s" "$1" | (while read -r service name port path _; do
    (addresses=$(getent ahostsv4 "$name" | cut -d" " -f1 | sort -u | tr "\n" ",")
    for address in $(echo "$addresses" | tr "," " ") ""; do # each of them, until one does not answer well
      [ -n "$address" ] || [ -z "$addresses" ] || break
      code=$(curl -s -o /dev/null -m 8 ${address:+--resolve "$name:$port:$address"} -w "%{http_code} %{time_total}" "http://$name:$port$path")
      ended=$?
      case "$ended $code" in "0 2"* | "0 3"*) ;; *) break ;; esac
    done
    echo "$service ${addresses:--} $ended $code") &
  done; wait)' ask "$asked"
}
outside() {
  [ -n "$services" ] || return 0
  while read -r name _ _ path; do # a URL, if it has a host of its own
    case $path in https://*) ;; *) path=https://$domain$path ;; esac
    (for _ in 1 2; do # an error that has passed a second later is none
      code=$(public -s -o /dev/null -m 8 -w '%{http_code} %{time_total}' "$path") status=$?
      case $code in 5*) sleep 1 ;; *) break ;; esac
    done
    echo "$name - $status $code") &
  done <<<"$services"
  wait
}
past() { # where the name leads here, and what nginx itself answers past it
  [ -n "$domain" ] || return 0
  leads "$domain"
  at=127.0.0.1
  echo "near $(public -s -o /dev/null -m 5 -w '%{http_code}' "https://$domain/health") $?"
}
timers() { for name in $scheduled; do echo "$name $(timed "$name" "$dir/state")"; done; }
events() { # docker keeps its last 256 events only
  timeout --foreground 2 docker events --since "$(awk '$1 == "btime" { print $2 }' /proc/stat)" --until "$(date +%s)" --filter event=oom \
    --format '{{.TimeNano}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
}
kernel() { # the kernel's log, where this user may read it
  if journalctl -k -b -q --no-pager -n 1 2>/dev/null | grep -q .; then
    echo readable
    timeout --foreground 2 journalctl -k -b -q --no-pager -o short-unix -g 'oom-kill:constraint=' 2>/dev/null | tail -n 50
  elif dmesg --time-format iso >"$work/dmesg" 2>/dev/null; then
    echo readable
    grep -F 'oom-kill:constraint=' "$work/dmesg" | tail -n 50
  fi
  return 0
}
