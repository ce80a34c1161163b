# $1 history file, $2 lines at most. Prints the newest lines, oldest first, of the rotated file too; a torn
# one is a line of its own.
for file in "$1.1" "$1"; do [ ! -r "$file" ] || sed "\$a\\" "$file"; done | tail -n "$2"
