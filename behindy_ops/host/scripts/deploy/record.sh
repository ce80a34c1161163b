# lib: history
# $1 history file, $2 bytes at which it is rotated. stdin: lines to append.
umask 077
append "$1" "$2"
