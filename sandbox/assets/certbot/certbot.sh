#!/bin/sh
# Stands in for certbot and Let's Encrypt in one: takes the options of `certonly --webroot`, has each name's challenge
# fetched over HTTP as the authority would, signs with the sandbox's own authority, and lays files out as certbot does.
set -eu
etc=/etc/letsencrypt name='' webroot='' names=''
while [ "$#" -gt 0 ]; do
    case $1 in
        -d) names="$names $2" && shift ;;
        -w) webroot=$2 && shift ;;
        --cert-name) name=$2 && shift ;;
        --email) shift ;;
    esac
    shift
done
if [ ! -e "$etc/renewal/$name.conf" ] && [ -e "$etc/live/$name" ]; then
    echo "live directory exists for $name" >&2 # as certbot says
    exit 1
fi
# The host, from in here, is the gateway; its address in /proc is in hexadecimal digits, last byte first.
hex=$(awk '$2 == "00000000" {print $3; exit}' /proc/net/route)
gateway=$(printf '%d.%d.%d.%d' "0x$(echo "$hex" | cut -c7-8)" "0x$(echo "$hex" | cut -c5-6)" "0x$(echo "$hex" | cut -c3-4)" "0x$(echo "$hex" | cut -c1-2)")
for each in $names; do
    token=$(openssl rand -hex 16)
    folder=$webroot/.well-known/acme-challenge
    mkdir -p "$folder"
    echo "$token.answer" >"$folder/$token"
    got=$(curl -fsS --max-time 5 --resolve "$each:80:$gateway" "http://$each/.well-known/acme-challenge/$token") || got=nothing
    rm -f "$folder/$token"
    if [ "$got" != "$token.answer" ]; then
        echo "Challenge failed for domain $each: the authority was told $got" >&2
        exit 1
    fi
    alternatives="${alternatives:+$alternatives,}DNS:$each"
done
umask 022
mkdir -p "$etc/archive/$name" "$etc/live/$name" "$etc/renewal"
chmod 700 "$etc/archive" "$etc/live"
number=1
while [ -e "$etc/archive/$name/cert$number.pem" ]; do number=$((number + 1)); done
at=$etc/archive/$name
printf 'subjectAltName=%s\n' "$alternatives" >/tmp/extensions
(umask 077 && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
    -keyout "$at/privkey$number.pem" -out /tmp/request 2>/dev/null)
openssl x509 -req -in /tmp/request -CA /opt/ca.pem -CAkey /opt/ca.key -days "${SANDBOX_CERTIFICATE_DAYS:-90}" \
    -extfile /tmp/extensions -out "$at/cert$number.pem" 2>/dev/null
cp /opt/ca.pem "$at/chain$number.pem"
cat "$at/cert$number.pem" "$at/chain$number.pem" >"$at/fullchain$number.pem"
for kind in cert chain fullchain privkey; do ln -sfn "../../archive/$name/$kind$number.pem" "$etc/live/$name/$kind.pem"; done
echo "webroot_path = $webroot" >"$etc/renewal/$name.conf"
echo "Successfully received certificate."
