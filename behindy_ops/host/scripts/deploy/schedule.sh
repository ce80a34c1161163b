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
unit=behindy-$name
if [ -z "$wanted" ]; then
  [ -z "$systemd" ] || ! [ -e "/etc/systemd/system/$unit.timer" ] || as_root systemctl disable --now "$unit.timer" || exit 1
  as_root rm -f "$programs/$name" "/etc/systemd/system/$unit.service" "/etc/systemd/system/$unit.timer" "/etc/cron.d/$unit" || exit 1
  changed=yes
elif [ -n "$systemd" ] && { [ -n "$changed" ] || ! systemctl -q is-active "$unit.timer"; }; then
  as_root systemctl daemon-reload && as_root systemctl enable --now "$unit.timer" && as_root systemctl restart "$unit.timer" || exit 1
  changed=yes
fi
[ -z "$changed" ] || echo placed
