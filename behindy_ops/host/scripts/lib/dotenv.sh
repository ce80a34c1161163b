# What is assigned in a file like .env, one a line: a name, and what follows its `=`. Within a value of several lines there may
# be what only looks like it.
assigned() {
  sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$/\2 \3/p' "$@"
}
lines_of() { # name, file: the lines that assign it, up to the next name's
  awk -v name="$1" 'match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
    assigned = substr($0, 1, RLENGTH); gsub(/^[ \t]*(export[ \t]+)?|[ \t]*=$/, "", assigned); on = assigned == name } on' "$2"
}
dollars() { # file: `NAME line` of each value in which Compose takes a $ for a variable that no line before it defines
  awk -v quote="'" '
    open { if (index($0, quote)) open = 0; next } # within single quotes a $ is a $
    match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=[ \t]*/) {
      name = substr($0, 1, RLENGTH); value = substr($0, RLENGTH + 1)
      sub(/^[ \t]*(export[ \t]+)?/, "", name); sub(/[ \t]*=.*/, "", name)
      if (substr(value, 1, 1) == quote) {
        gsub(/\\./, "", value); open = !index(substr(value, 2), quote)
      } else {
        if (value !~ /^"/) sub(/ #.*/, "", value)
        gsub(/\\./, "", value)
        while (match(value, /\$[{]?[A-Za-z_][A-Za-z0-9_]*/)) {
          used = substr(value, RSTART, RLENGTH); value = substr(value, RSTART + RLENGTH)
          braced = sub(/^\$[{]/, "", used); sub(/^\$/, "", used)
          if (!(used in seen) && !(braced && value ~ /^:?[-+]/)) { print name, NR; break }
        }
      }
      seen[name]
    }' "$1"
}
