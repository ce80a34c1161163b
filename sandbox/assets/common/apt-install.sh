#!/bin/sh
# apt-install.sh NAME|NAME... ...: installs one package per argument, the first of its alternatives that exists here.
# Debian and Ubuntu name some packages differently (docker-compose, docker-compose-v2). Leaves no lists behind.
# What a power cut would break is built anew anyway, so nothing is forced to the disk.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq -o Acquire::Languages=none -o Acquire::Retries=5
chosen=
for alternatives in "$@"; do
    found=
    for name in $(echo "$alternatives" | tr '|' ' '); do
        if apt-cache show "$name" >/dev/null 2>&1; then
            found=$name
            break
        fi
    done
    if [ -z "$found" ] && [ "${alternatives%|}" = "$alternatives" ]; then
        echo "none of these packages exists here: $alternatives" >&2
        exit 1
    fi
    chosen="$chosen $found"
done
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends -o Acquire::Retries=5 -o Dpkg::Options::=--force-unsafe-io $chosen \
    </dev/null >/tmp/apt.log 2>&1 || {
    tail -n 30 /tmp/apt.log >&2
    exit 1
}
apt-get clean
rm -rf /tmp/apt.log /var/lib/apt/lists/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/apt /var/log/dpkg.log
find /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale -mindepth 1 -delete 2>/dev/null || true
