#!/bin/bash
# sandbox-install: puts the tar archive on stdin on this host, in place of what an earlier one put there.
set -eu
project=/home/ubuntu/behindy-ops
archive=$(mktemp -d)
trap 'rm -rf "$archive"' EXIT
tar --extract --directory "$archive" --preserve-permissions
chmod 0755 "$archive" # it lends its mode to / below
# A file that is gone from the project goes here too. nginx has these folders mounted, so they themselves stay.
for folder in compose nginx; do
    if [[ -d $project/$folder ]]; then find "$project/$folder" -mindepth 1 -delete; fi
done
cp --archive --force "$archive/." /
chown ubuntu: /home/ubuntu

# The rehearsal's token is made here, once, and never leaves the host. A further node has no project, and none.
rehearsal=$project/rehearsal
if [[ -d $rehearsal ]] && [[ ! -s $rehearsal/map.conf || ! -s $rehearsal/header ]]; then
    token=$(openssl rand -hex 32)
    (umask 077 && echo "\"$token\" \"-green\";" >"$rehearsal/map.conf" && echo "X-Behindy-Rehearsal: $token" >"$rehearsal/header")
    chown ubuntu: "$rehearsal/map.conf" "$rehearsal/header"
fi
update-ca-certificates >/dev/null 2>&1
# sshd starts when this is there; one that runs already reads its keys again.
mkdir -p /var/lib/sandbox && touch /var/lib/sandbox/installed
if [[ -s /run/sshd.pid ]]; then kill -HUP "$(cat /run/sshd.pid)" || true; fi
