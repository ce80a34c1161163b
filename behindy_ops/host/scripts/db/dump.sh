# lib: workspace postgres
# A consistent dump in pg_dump's own compressed format, kept in a directory as one of so many, or printed. The same
# bytes are read through by pg_restore, and summed up, while they pass; nothing is held in memory. stderr ends with a
# line `sum <sha256> <bytes>` when all of it went well.
container=$1 keep=$2 name=$3 kept=$4
set -o pipefail
part=
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"; [ -z "$part" ] || rm -f "$part"' EXIT
trap 'exit 143' TERM HUP INT PIPE
if [ -n "$keep" ]; then # before anything runs beside: what waits for its end would hold the host for ever
  [ -d "$keep" ] || mkdir -m 700 "$keep" || exit 77
  [ -w "$keep" ] || { echo "$keep cannot be written" >&2; exit 77; }
  exec 6<"$keep" && flock -w 7200 6 || exit 77 # the host's own timer and db.backup, one after the other
fi
mkfifo "$work/sum" "$work/size" "$work/check" || exit 77
sha256sum <"$work/sum" >"$work/sha256" &
wc -c <"$work/size" >"$work/bytes" &
docker exec -i "$container" pg_restore -f /dev/null <"$work/check" 2>"$work/check.err" &
checking=$!
dump() {
  in_postgres "$container" 'pg_dump -Fc --no-password' </dev/null 2>"$work/dump.err" |
    tee "$work/sum" "$work/size" "$work/check"
}
if [ -n "$keep" ]; then
  # What a backup of this database is called; whatever else is there is somebody's own.
  digits='[0-9][0-9][0-9][0-9][0-9][0-9]' own=${name%-*-*}
  own="$own-[0-9][0-9]$digits-$digits.dump"
  find "$keep" -maxdepth 1 -type f -name "$own.part" -delete
  part=$keep/$name.part
  : >"$part" || exit 77
  dump >"$part"
else
  dump
fi
code=$?
wait "$checking" || { code=87; cat "$work/check.err" >&2; }
wait
[ "$code" = 0 ] || { cat "$work/dump.err" >&2; exit "$code"; }
if [ -n "$keep" ]; then
  sync "$part" && mv "$part" "$keep/$name" || exit 77
  part=
  find "$keep" -maxdepth 1 -type f -name "$own" -printf '%f\n' | sort -r | tail -n "+$((kept + 1))" |
    while read -r old; do rm -f "$keep/$old" && echo "removed $old" >&2; done
fi
printf 'sum %s %s\n' "$(cut -d' ' -f1 <"$work/sha256")" "$(cat "$work/bytes")" >&2
