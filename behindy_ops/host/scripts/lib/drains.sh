# Previous containers that this host drains by itself (deploy/leave.sh). Who does it holds drain-<service>.lock until it is
# done; drain-<service> says of what, in words: service, container, its release, until when (seconds since the epoch), its
# process and port. They lie where all logins see them.
drains() { if kept; then echo "$engine"; else echo "$1"; fi; } # state directory
opened() { # process, port: how many connections it has there; -1 where that cannot be seen (hidepid)
  if visible "$1"; then connections_here "$1" "$2"; else echo -1; fi
}
drained() { flock -s -n "$1.lock" true 2>/dev/null; } # place/drain-<service>: nobody drains it, or who did was killed
