# What all logins of one engine share: docs/design.md, "One lock for an engine".
engine=/var/tmp/behindy-ops
group=$(stat -c %G /var/run/docker.sock 2>/dev/null || echo docker)
changing() { # state directory: who changes this host now, in JSON without the token; nothing of one that was killed
  local each
  for each in "$1" "$engine"; do
    if [ -e "$each/lock.json" ] && { [ "$each" = "$1" ] || kept; }; then
      flock -n "$each/lock" true 2>/dev/null
      [ "$?" != 1 ] || { sed -E 's/, "token": "[^"]*"//' "$each/lock.json" 2>/dev/null || [ ! -e "$each/lock.json" ] || echo '{}'; return; }
    fi
  done
}
kept() { [ "$(LC_ALL=C stat -c '%F %a %G' "$engine" 2>/dev/null)" = "directory 2770 $group" ]; } # only they can have made that
