#!/bin/bash
# PID 1 of the sandbox host, in place of systemd: cgroups, /proc/meminfo, then dockerd, sshd and the registry, each
# started again when it ends. Everything it makes is made anew at each start of the container.
set -u
stopping=
services=()

log() { echo "$(date +%T) $*"; }

# keep NAME COMMAND...: runs a command for ever, its output in /var/log/NAME.log.
keep() {
    local name=$1 child='' ended=''
    shift
    {
        trap 'ended=yes; [[ -n $child ]] && kill "$child" 2>/dev/null' TERM
        while [[ -z $ended ]]; do
            "$@" >>"/var/log/$name.log" 2>&1 </dev/null &
            child=$!
            # A signal interrupts the wait; the child is then still on its way out.
            while kill -0 "$child" 2>/dev/null; do wait "$child"; done
            [[ -n $ended ]] || { log "$name ended and is started again"; sleep 0.2; }
        done
    } &
    services+=("$!")
}

# The host's keys are put here, from outside, right after the first start.
run_sshd() {
    until [[ -e /var/lib/sandbox/installed ]]; do sleep 0.05; done
    mkdir -p /run/sshd
    exec /usr/sbin/sshd -D -e
}

# While the engine starts, its rules are away for some 0.3 s: meanwhile, new connections wait. As host.setup has it.
waiting() { iptables -w 5 "$1" INPUT -p tcp -m multiport --dports 80,443 --syn -j DROP 2>/dev/null; }

run_dockerd() {
    # A dockerd that was killed leaves its number behind, and that number may belong to another process by now.
    rm -f /run/docker.pid
    waiting -I
    { timeout 60 sh -c 'until docker version; do sleep 0.1; done'; waiting -D; } >/dev/null 2>&1 &
    exec dockerd
}

choose_iptables() {
    iptables -nL >/dev/null 2>&1 && return
    update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null 2>&1
    update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy >/dev/null 2>&1
}

stop() {
    stopping=yes
    kill "${services[@]}" 2>/dev/null
}

trap stop TERM INT
# Tells dockerd to leave the machine's AppArmor alone.
export container=docker
/usr/local/sbin/sandbox-cgroups
choose_iptables
keep meminfo /usr/local/sbin/sandbox-meminfo
keep docker run_dockerd
# A further node has no registry: it pulls from the first one's.
[[ -n ${SANDBOX_FURTHER_NODE-} ]] || keep registry docker-registry serve /etc/docker/registry/config.yml
keep ssh run_sshd
log "started"
# Orphans come to PID 1; bash takes them in while it waits.
for service in "${services[@]}"; do
    while kill -0 "$service" 2>/dev/null; do wait "$service"; done
done
# What systemd does as the last thing before it powers a machine off: containers outlive their engine.
if [[ -n $stopping ]]; then
    kill -TERM -1
    for _ in {1..40}; do [[ $(pgrep -c .) -gt 1 ]] || break; sleep 0.1; done
fi 2>/dev/null
log "stopped${stopping:+ on request}"
