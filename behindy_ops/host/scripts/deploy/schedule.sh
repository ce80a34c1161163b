# Puts a job's timer on the host, or takes it away. `name`: the job's; stdin: path and content (base64) of each file, none
# to take it away; those of systemd or those of cron are taken. Prints `placed` where something was not as it should be.
name=$1 programs=$2
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
systemd=''
[ ! -d /run/systemd/system ] || systemd=yes
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
changed='' wanted=''
while read -r path text; do
  case ${systemd:-no}$path in yes/etc/cron.d/* | no/etc/systemd/*) continue ;; esac
  wanted=yes mode=644
  case $path in "$programs"/*) mode=755 ;; esac
  base64 -d <<<"$text" | sed "s/@user@/$(id -un)/" >"$work/new" || exit 1
  ! cmp -s "$work/new" "$path" || continue
  as_root install -D -m "$mode" "$work/new" "$path" || exit 1
  changed=yes
done
unit=behindy-$name stamp=/var/lib/systemd/timers/stamp-behindy-$name.timer
is_on() { # by the times that are on the disk
  systemctl -q is-enabled "$unit.timer" 2>/dev/null && systemctl -q is-active "$unit.timer" &&
    [ "$(systemctl show --property NeedDaemonReload --value "$unit.timer")" = no ]
}
if [ -z "$wanted" ]; then
  [ -z "$systemd" ] || ! [ -e "/etc/systemd/system/$unit.timer" ] || as_root systemctl disable --now "$unit.timer" || exit 1
  as_root rm -f "$programs/$name" "/etc/systemd/system/$unit.service" "/etc/systemd/system/$unit.timer" "/etc/cron.d/$unit" "$stamp" || exit 1
  if [ -n "$systemd" ]; then # a last run that failed would be told for ever
    as_root systemctl daemon-reload || exit 1
    as_root systemctl reset-failed "$unit.service" 2>/dev/null || true
  fi
  changed=yes
elif [ -n "$systemd" ] && { [ -n "$changed" ] || ! is_on; }; then
  if ! is_on; then # a deploy runs nothing, and systemd would: what was due by the new times since the last run by the old ones
    ! systemctl -q is-active "$unit.timer" || as_root systemctl stop "$unit.timer" || exit 1
    as_root rm -f "$stamp" || exit 1
  fi
  as_root systemctl daemon-reload && as_root systemctl enable --now "$unit.timer" || exit 1
  changed=yes
fi
[ -z "$changed" ] || echo placed
