# An answer in sections, each under a line `<boundary> <name>` (facts/replies.py reads them). The script's first argument is
# the boundary; the rest are its own. `report`, which needs lib/workspace.sh, runs functions side by side and prints what
# each said, and why it failed.
mark=$1
shift
section() { printf '%s %s\n' "$mark" "$1"; }
failed() { printf '%s %s! %s\n' "$mark" "$1" "$2"; } # section, exit code
part() { "$1" >"$work/$1.out" 2>"$work/$1.err" || failed "$1" "$?" >>"$work/$1.out"; }
report() {
  for name in "$@"; do part "$name" & done
  wait
  for name in "$@"; do
    section "$name"
    sed "\$a\\" "$work/$name.out" # which ends its last line
    if [ -s "$work/$name.err" ]; then section "$name.err" && head -c 4000 "$work/$name.err" && echo; fi
  done
  section end
}
