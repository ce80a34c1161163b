#!/bin/bash
# sandbox-registry-auth USER: starts a second registry on port 5001 that asks for a login, as Docker Hub does.
# The password is read from stdin. It serves the same images as the one on port 5000.
# sandbox-registry-auth --stop: ends it.
set -eu
pid_file=/run/sandbox-registry-auth.pid
if [[ -e $pid_file ]]; then
    kill "$(cat "$pid_file")" 2>/dev/null || true
    rm -f "$pid_file"
fi
[[ ${1:?a user name or --stop} == --stop ]] && exit 0
user=$1
htpasswd -niB "$user" >/run/sandbox-registry.htpasswd
sed -e 's/:5000/:5001/' /etc/docker/registry/config.yml >/run/sandbox-registry-auth.yml
printf 'auth:\n  htpasswd:\n    realm: sandbox\n    path: /run/sandbox-registry.htpasswd\n' >>/run/sandbox-registry-auth.yml
setsid docker-registry serve /run/sandbox-registry-auth.yml >>/var/log/registry-auth.log 2>&1 </dev/null &
echo $! >"$pid_file"
for _ in {1..100}; do
    [[ $(curl -s -o /dev/null -w '%{http_code}' http://localhost:5001/v2/) == 401 ]] && exit 0
    sleep 0.1
done
echo "the registry with a login did not start; see /var/log/registry-auth.log" >&2
exit 1
