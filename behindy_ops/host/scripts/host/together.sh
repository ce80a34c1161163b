# lib: workspace told
# Runs several commands side by side: a round trip for all. $1: a mark; then for each, how many words it is of, and those;
# on stdin a line for each. Prints for each a line `<mark> <exit code>` and what it said, then `<mark> errors` and those.
mark=$1 count=0
shift
while [ "$#" -gt 0 ]; do
  IFS= read -r line
  words=("${@:2:$1}") count=$((count + 1))
  shift "$(($1 + 1))"
  {
    printf '%s\n' "$line" | env -u TMPDIR "${words[@]}" >"$work/$count.out" 2>"$work/$count.err"
    echo "${PIPESTATUS[1]}" >"$work/$count.code"
  } &
done
wait
for each in $(seq "$count"); do
  told_apart "$mark" "$(cat "$work/$each.code")" "$work/$each.out" "$work/$each.err"
done
