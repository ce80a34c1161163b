told_apart() { # mark, exit code, files: how a command that ran with others ended, what it said, and its errors
  printf '%s %s\n' "$1" "$2"
  sed "\$a\\" "$3" # which ends its last line
  printf '%s errors\n' "$1"
  head -c 4000 "$4" && echo
}
