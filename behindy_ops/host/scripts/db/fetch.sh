# Prints a backup that is kept in $1, by its name; stderr ends with a line `sum <sha256> <bytes>`.
file=$1/backups/$2
[ -f "$file" ] || exit 86
cat "$file" || exit 77
printf 'sum %s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(stat -c %s "$file")" >&2
