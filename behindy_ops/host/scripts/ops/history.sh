# $1 history file, $2 lines at most. Prints the newest lines, oldest first, of the rotated file too.
for file in "$1.1" "$1"; do [ ! -r "$file" ] || cat "$file"; done | tail -n "$2"
