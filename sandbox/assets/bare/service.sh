#!/bin/bash
# In place of `service` for Docker: Debian's own script raises limits, which a container may not. Else it is the real one.
[[ ${1-} == docker ]] || exec /usr/sbin/service "$@"
running() { [[ -n $(pidof dockerd) ]]; }
stop() {
    pkill -x dockerd
    for _ in {1..300}; do running || break; sleep 0.1; done
}
start() {
    running && return
    rm -f /run/docker.pid
    iptables -nL >/dev/null 2>&1 || update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null 2>&1
    # `container` tells dockerd to leave the machine's AppArmor alone.
    container=docker setsid dockerd >>/var/log/docker.log 2>&1 </dev/null 8>&- 9>&- &
}
case ${2-} in
start) start ;;
stop) stop ;;
restart) stop; start ;;
status) running ;;
esac
