# lib: workspace told
# Runs a command, and where that ended well another: a round trip for both. $1: a mark; $2: a line that the first says
# where it ended well, or "" where its exit code tells; then for each, how many words it is of, and those. Says of each
# that ran what host/together says.
mark=$1 word=$2
shift 2
while [ "$#" -gt 0 ]; do
  words=("${@:2:$1}")
  shift "$(($1 + 1))"
  env -u TMPDIR "${words[@]}" </dev/null >"$work/out" 2>"$work/err"
  code=$?
  told_apart "$mark" "$code" "$work/out" "$work/err"
  [ "$code" = 0 ] || break
  [ -z "$word" ] || grep -qxF -e "$word" "$work/out" || break
  word=''
done
