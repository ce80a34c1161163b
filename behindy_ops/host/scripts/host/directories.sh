# lib: nginx
# Makes what is missing in the host directory, and narrows what others may do there; run by the login user.
dir=$1
set -e
umask 027
mkdir -p "$dir"
chmod go-w "$dir"
for private in state rehearsal; do
  mkdir -p "$dir/$private"
  chmod 700 "$dir/$private"
done
mkdir -p "$dir/compose" "$dir/nginx" "$dir/assets"
chmod 755 "$dir/assets" # of static files, which nginx's workers read
[ -e "$dir/compose/.env" ] || [ -L "$dir/compose/.env" ] || ln -s ../.env "$dir/compose/.env"
[ ! -e "$dir/.env" ] || chmod 600 "$dir/.env"
# The rehearsal's token is made here, once, is never printed, and never leaves the host.
if ! whole_header "$dir" >/dev/null; then
  umask 077
  token=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
  printf '"%s" "-green";\n' "$token" >"$dir/rehearsal/map.conf.new"
  printf 'X-Behindy-Rehearsal: %s\n' "$token" >"$dir/rehearsal/header.new"
  mv "$dir/rehearsal/map.conf.new" "$dir/rehearsal/map.conf"
  mv "$dir/rehearsal/header.new" "$dir/rehearsal/header"
fi
