# lib: history
# $1 history file, $2 bytes at which it is rotated. stdin: lines to append.
umask 077
rotate "$1" "$2" && append "$1"
