# What a script prints in sections, each under a line `<boundary> <name>` (host/replies.py reads them). The script's
# first argument is the boundary; the rest are its own.
# `report` runs functions side by side and prints what each said, with why it failed. What they leave goes to memory
# first: a full disk is one of the things to be seen.
mark=$1
shift
section() { printf '%s %s\n' "$mark" "$1"; }
workspace() { # a directory of its own for this run
  work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
  export TMPDIR=$work
  trap 'rm -rf "$work"' EXIT
}
part() { "$1" >"$work/$1.out" 2>"$work/$1.err" || printf '%s %s! %s\n' "$mark" "$1" "$?" >>"$work/$1.out"; }
report() {
  for name in "$@"; do part "$name" & done
  wait
  for name in "$@"; do
    section "$name"
    cat "$work/$name.out"
    if [ -s "$work/$name.err" ]; then section "$name.err" && head -c 4000 "$work/$name.err" && echo; fi
  done
  section end
}
