atomically() { # file: it is there whole or as it was before, though the power may go. stdin: what is to be in it
  cat >"$1.new" && sync "$1.new" && mv -fT "$1.new" "$1"
}
