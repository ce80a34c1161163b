# The host's lock. $1 of each script: the state directory. A person's hold is a file, without a process, until it is released.
state=$1
umask 077
[ -d "${state%/*}" ] || exit 80
take() { # file that says who has it now: a line on stdin. Whoever has it instead is printed
  mkdir -p "$state" || exit 77
  command -v flock >/dev/null || exit 78
  read -r holder || exit 79
  exec 9>>"$state/lock" || exit 77
  flock -n 9 || { cat "$state/lock.json" 2>/dev/null; exit 73; }
  [ ! -s "$state/hold.json" ] || { cat "$state/hold.json"; exit 74; }
  atomically "$state/$1" <<<"$holder" || exit 77
}
