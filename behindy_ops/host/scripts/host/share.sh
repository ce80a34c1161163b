# lib: nginx placeholder
# Puts a project's file where the nginx of another project on this host reads it, and has nginx load it. It is tried beside
# all that nginx has before it gets there, so a file that nginx refuses never keeps it from starting. Nothing else of the
# other project is touched. `shared`: its directory; `name`: the file's; `what`: keep or try. stdin: the file.
shared=$1 nginx=$2 name=$3 domain=$4 what=$5
umask 022
nginx_runs "$nginx" || exit 69
mounted=$(docker container inspect --format \
  '{{range .Mounts}}{{if eq .Destination "/etc/nginx/behindy"}}{{.Source}}{{end}}{{end}}' "$nginx")
[ "$mounted" -ef "$shared/nginx" ] || { echo "$nginx does not have $shared/nginx at /etc/nginx/behindy" >&2; exit 99; }
grep -qF 'include /etc/nginx/behindy/projects/*.conf;' "$shared/nginx/nginx.conf" ||
  { echo "$shared/nginx/nginx.conf does not include projects/*.conf" >&2; exit 99; }
place=$shared/nginx/projects new=$shared/nginx/projects/.$name.new old=$shared/nginx/projects/.$name.old
try=$place/.try lacking=''
trap 'rm -rf "$try" "$new" "$old"' EXIT
rm -rf "$try" && mkdir -p "$try" && cat >"$new" || exit 77
for each in "$place"/*.conf; do [ ! -e "$each" ] || cp "$each" "$try/" || exit 77; done
cp "$new" "$try/$name" && sed 's,/projects/\*,/projects/.try/*,' "$shared/nginx/nginx.conf" >"$try/main" || exit 77
if ! docker exec "$nginx" test -e "/etc/letsencrypt/live/$domain/fullchain.pem"; then # tried with nginx's own, then
  lacking=yes
  own=$(grep -m 1 -o '/etc/letsencrypt/live/[^/]*' "$shared/nginx/site.conf")
  sed -i "s,/etc/letsencrypt/live/$domain/,$own/," "$try/$name"
fi
said=$(in_nginx "$nginx" 'nginx -t -c /etc/nginx/behindy/projects/.try/main' 2>&1)
case $?$said in
0*'conflicting server name'* | [!0]*) # of two servers of one name nginx takes the first, and only warns
  printf '%s\n' "${said//\/.try\//\/}" >&2
  exit 66
  ;;
esac
[ "$what" = keep ] || exit 0
rm -rf "$try"
[ -z "$lacking" ] || placeholder "$(docker container inspect --format '{{.Config.Image}}' "$nginx")" "$domain" || exit 1
[ ! -e "$place/$name" ] || cp -p "$place/$name" "$old" || exit 77
sync "$new" && mv -fT "$new" "$place/$name" || exit 77
in_nginx "$nginx" reload
code=$?
[ "$code" != 0 ] || exit 0
if [ -e "$old" ]; then mv -fT "$old" "$place/$name"; else rm -f "$place/$name"; fi
case $code in 63) exit 66 ;; *) exit 72 ;; esac
