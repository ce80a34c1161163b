# lib: nginx
# Makes what is missing in the host directory, and narrows what others may do there; run by the login user. `shared`: the
# directory of the project whose nginx it is, or "": then the rehearsal's token and the static files are where nginx reads
# them, in that.
dir=$1 shared=${4:-}
set -e
umask 027
mkdir -p "$dir"
chmod go-w "$dir"
if [ -n "$shared" ]; then
  for theirs in rehearsal assets; do
    [ -d "$shared/$theirs" ] && [ -w "$shared/$theirs" ] ||
      { echo "$shared/$theirs is not there, or not for this login; set that project up first, by the same login" >&2; exit 1; }
    [ -L "$dir/$theirs" ] || [ ! -e "$dir/$theirs" ] || rmdir "$dir/$theirs" ||
      { echo "$dir/$theirs holds something, and is to be that of $shared: move it away" >&2; exit 1; }
    ln -sfn "$shared/$theirs" "$dir/$theirs"
  done
fi
for private in state rehearsal; do
  mkdir -p "$dir/$private"
  chmod 700 "$dir/$private"
done
mkdir -p "$dir/compose" "$dir/nginx" "$dir/assets"
chmod 755 "$dir/assets/" # of static files, which nginx's workers read
[ -e "$dir/compose/.env" ] || [ -L "$dir/compose/.env" ] || ln -s ../.env "$dir/compose/.env"
[ ! -e "$dir/.env" ] || chmod 600 "$dir/.env"
# The rehearsal's token is made here, once, is never printed, and never leaves the host.
if [ -z "$shared" ] && ! whole_header "$dir" >/dev/null; then
  umask 077
  token=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
  printf '"%s" "-green";\n' "$token" >"$dir/rehearsal/map.conf.new"
  printf 'X-Behindy-Rehearsal: %s\n' "$token" >"$dir/rehearsal/header.new"
  mv "$dir/rehearsal/map.conf.new" "$dir/rehearsal/map.conf"
  mv "$dir/rehearsal/header.new" "$dir/rehearsal/header"
fi
