# The locks of a host. $1 of each script: the state directory, whose lock is all that earlier versions of this tool know.
# `engine` (lib/shared.sh) has another for all who may use Docker, whoever logs in. A person's hold is a file, without a
# process, until it is released.
state=$1
umask 077
[ -d "${state%/*}" ] || exit 80
shared() { # false: whoever may not use Docker changes nothing that others have
  local new
  [ "$(id -u)" = 0 ] || id -Gn | tr ' ' '\n' | grep -qxF "$group" || return
  if ! [ -e "$engine" ] && ! [ -L "$engine" ]; then
    new=$(mktemp -d "$engine.XXXXXX") || exit 77
    chgrp "$group" "$new" 2>/dev/null || { rmdir "$new" && return 1; } # root, before there is Docker
    chmod 2770 "$new" && { mv -T "$new" "$engine" 2>/dev/null || rmdir "$new" 2>/dev/null; } # or another was first
  fi
  kept || { ls -ld "$engine" >&2; exit 97; }
}
patience=0 # seconds to wait for whoever has it
take() { # file that says who has it now: `holder`, or a line on stdin. Whoever has it instead is printed
  mkdir -p "$state" || exit 77
  command -v flock >/dev/null || exit 78
  [ -n "${holder:-}" ] || read -r holder || exit 79
  exec 9>>"$state/lock" || exit 77
  flock -w "$patience" 9 || { cat "$state/lock.json" 2>/dev/null || cat "$engine/lock.json" 2>/dev/null; exit 73; }
  shared || engine=
  if [ -n "$engine" ]; then
    umask 007
    until [ "$engine/lock" -ef /dev/fd/7 ]; do # what clears /var/tmp of old files may have been in between
      exec 7>"$engine/lock" || exit 77
      flock -w "$patience" 7 || { cat "$engine/lock.json" 2>/dev/null; exit 73; }
    done
  fi
  for held in "${engine:-$state}/hold.json" "$state/hold.json"; do
    [ ! -s "$held" ] || { cat "$held"; exit 74; }
  done
  atomically "${engine:-$state}/$1" <<<"$holder" || exit 77
  [ -z "$engine" ] || ln -sfn "$engine/$1" "$state/$1" || exit 77
}
settled() { # whoever changes this host has ended; false if that takes an hour
  local each
  for each in "$state" "$engine"; do
    if [ -e "$each/lock" ] && { [ "$each" = "$state" ] || kept; }; then flock -w 3600 "$each/lock" true || return; fi
  done
}
lease() { # while this script lives; who has it: as `take`. What was being changed has ended
  take lock.json
  trap 'rm -f "$state/lock.json" "${engine:-$state}/lock.json"' EXIT
  ( exec 8>>"$state/busy" && flock -x -w 90 8 ) 9>&- 7>&- || exit 76
  [ -z "$engine" ] || ( exec 8>"$engine/busy" && flock -x -w 60 8 ) 9>&- 7>&- || exit 76
}
