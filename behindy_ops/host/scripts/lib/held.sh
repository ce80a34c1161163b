# New connections to a container that is replaced wait, and are not refused: while it is away, the first packet of each is
# dropped, and clients send it again, after a second the first time: docs/design.md, "Another nginx on the same ports".
# Who drops them is a process of root's, which ends with the script, whatever that dies of, and after $held_most seconds.
# Where the kernel can (xt_time), the rule says so itself: it drops nothing any more, should that process be killed too.
held_most=60
hold() { # container: those to its published ports. 1 where that cannot be done (no sudo, no iptables), 2 where it has none
  local PATH=$PATH:/usr/sbin:/sbin ports said='' root=(sudo -n)
  [ "$(id -u)" != 0 ] || root=()
  ports=$(docker port "$1" 2>/dev/null | sed -n 's/.*://p' | sort -un | paste -sd ,)
  [ -n "$ports" ] || return 2 # it is stopped, say
  # shellcheck disable=SC2016 # the inner shell's
  coproc HELD { exec "${root[@]}" sh -c 'trap "" HUP INT TERM PIPE
    which="PREROUTING -t mangle -p tcp -m addrtype --dst-type LOCAL -m multiport --dports $1 --syn"
    end=$(date -u -d "@$(($(date +%s) + $2))" +%Y-%m-%dT%H:%M:%S)
    for rule in "$which -m time --datestop $end -j DROP" "$which -j DROP" ""; do
      [ -n "$rule" ] || exit
      ! iptables -w 5 -I $rule 2>/dev/null || break
    done
    ip6tables -w 5 -I $rule 2>/dev/null || :
    echo held
    timeout "$2" cat >/dev/null
    iptables -w 60 -D $rule || iptables -w 60 -D $rule
    ip6tables -w 60 -D $rule 2>/dev/null || ip6tables -w 60 -D $rule 2>/dev/null' hold "$ports" "$held_most" 2>/dev/null; }
  holder=$HELD_PID letting=${HELD[1]}
  read -rt 10 said <&"${HELD[0]}"
  [ "$said" = held ]
}
let_in() {
  [ -n "${letting-}" ] || return 0
  exec {letting}>&- && wait "$holder" 2>/dev/null
  letting=
}
