# What is assigned in a file like .env, one a line: a name, and what follows its `=`. Within a value of several lines there may
# be what only looks like it.
assigned() {
  sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$/\2 \3/p' "$@"
}
