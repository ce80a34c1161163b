# lib: shared lock
# The daily backup: what db.backup --keep-on-host does, by the same scripts. $1 state directory, $2 container, $3 how many
# are kept; then db/look.sh and db/dump.sh, as four words each.
dir=${state%/*} container=$2 keep=$3 LC_ALL=C.UTF-8
look=("${@:4:4}") dump=("${@:8:4}")
backup() {
  local seen free size database name
  seen=$("${look[@]}" "$container" "$dir" 2>&1)
  free=$(sed -n 's/^avail *//p' <<<"$seen")
  read -r _ _ size _ _ database <<<"$(grep '^database ' <<<"$seen")"
  [ -n "$database" ] || {
    grep -vE '^(state|avail|backup) ' <<<"$seen"
    echo "Postgres does not respond; its container is $(sed -n 's/^state //p' <<<"$seen")"
    return 1
  }
  [ "$free" -ge "$size" ] || { echo "not enough room: $free bytes free, the database has $size"; return 1; }
  name=${database//[^A-Za-z0-9_.]/_}-$(date -u +%Y%m%d-%H%M%S).dump
  seen=$("${dump[@]}" "$container" "$dir/backups" "$name" "$keep" 2>&1) || { printf '%s\n' "$seen"; return 1; }
  echo "$name, $(stat -c %s "$dir/backups/$name") bytes"
}
settled # somebody may be putting a backup in the database's place; nobody has to wait for us
backup || { settled; backup; }
