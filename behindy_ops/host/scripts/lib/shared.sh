# What all logins of one engine share: docs/design.md, "One lock for an engine".
engine=/var/tmp/behindy-ops
group=$(stat -c %G /var/run/docker.sock 2>/dev/null || echo docker)
kept() { [ "$(LC_ALL=C stat -c '%F %a %G' "$engine" 2>/dev/null)" = "directory 2770 $group" ]; } # only they can have made that
