# Puts a backup, by its name there or from stdin, where db/fill.sh finds it and reads all of it through; the database is
# not touched. Prints its sha256 and size, and what pg_restore says of it.
container=$1 dir=$2 name=$3
umask 077
[ -d "$dir/backups" ] || mkdir -m 700 "$dir/backups" || exit 77
file=$dir/backups/.behindy-restore.part
rm -f "$file"
whole=
trap '[ -n "$whole" ] || rm -f "$file"' EXIT
if [ -n "$name" ]; then
  [ -f "$dir/backups/$name" ] || exit 86
  ln "$dir/backups/$name" "$file" 2>/dev/null || cp "$dir/backups/$name" "$file" || exit 77
else
  cat >"$file" || exit 77
fi
printf 'sum %s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(stat -c %s "$file")"
docker exec -i "$container" pg_restore --list <"$file" 2>&1 | sed -n 's/^;  */list /p' | head -n 20
docker exec -i "$container" pg_restore -f /dev/null <"$file" >&2 || exit 87
whole=yes
