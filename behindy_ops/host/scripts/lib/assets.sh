# Static files of releases, kept for pages that are still open: docs/design.md, "Static files outlive their release". nginx
# serves what is below assets/<service>/. What of it a release has put there, state/assets/<service>/<release> names, a NUL
# behind each; nothing else is ever removed.
of() { # host directory, service: whose files everything below is about
  local host
  host=$(cd "$1" && pwd) || return
  served=$host/assets/$2 lists=$host/state/assets/$2 releases=$host/state/releases/$2
}
all() { (cd "$lists" 2>/dev/null && printf '%s\n' *) | grep -vxF '*'; }
named() { # releases: the names of their files
  local each
  for each in "$@"; do cat "$lists/$each" 2>/dev/null; done | LC_ALL=C sort -zu
}
bytes() { # releases: what their files take together
  (cd "$served" 2>/dev/null && named "$@" | du -bc --files0-from=- 2>/dev/null) | awk 'END { print $1 + 0 }'
}
unneeded() { # releases that need them: those without, prints the releases that are not kept any more, and were never live
  all | grep -vxF "$(printf '%s\n' "$@")" | while read -r each; do
    case $(cat "$releases/$each/status" 2>/dev/null) in stands | rolled-back | failed) ;; *) echo "$each" ;; esac
  done
}
drop() { # releases: removes their files, except those that another one has too
  local others
  [ "$#" -gt 0 ] && [ -d "$lists" ] || return 0
  mapfile -t others < <(all | grep -vxF "$(printf '%s\n' "$@")")
  (cd "$served" && LC_ALL=C comm -z23 <(named "$@") <(named "${others[@]}") | xargs -0r bash -c '
    rm -f -- "$@" && printf "%s\0" "${@%/*}" | sort -zu | xargs -0 rmdir -p -- 2>/dev/null
    exit 0' remove)
  (cd "$lists" && rm -f -- "$@")
}
trim() { # bytes at most, the live release, those it replaced: what is not needed goes, then the oldest; prints what of the latter
  local each
  # shellcheck disable=SC2046 # names without spaces
  drop $(unneeded "${@:2}")
  for each in $(all | grep -vxF "$(printf '%s\n' "${@:2}")") "${@:3}"; do
    [ -f "$lists/$each" ] && [ "$each" != "$2" ] || continue
    # shellcheck disable=SC2046
    [ "$(bytes $(all))" -gt "$1" ] || break
    drop "$each"
    echo "dropped $each"
  done
}
