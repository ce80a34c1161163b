# lib: sections synced
# $1 host directory, $2 nginx container; where nginx is another project's, $3 its directory and $4 the file it has of this one. stdin: the paths of the files that are to be there, one each line. Changes nothing. Prints
#   files   path and content (base64) of what host.sync put there and of what lies where it would put a file;
#   taken   of those paths the ones that are no file the login can read, and why;
#   others  what else is there, by its name alone (base64): a directory without a file of ours as one name;
#   state   the live version, and whether the nginx that runs has loaded it.
nginx=$2
cd "$1" 2>/dev/null || exit 80
shopt -s dotglob nullglob
live=$(readlink nginx/live 2>/dev/null)
live=${live#versions/}
declare -A wanted folders
while IFS= read -r path; do wanted[$path]=yes; done
paths=()
[ -z "$live" ] || mapfile -t paths < <(paths "$live")
for path in "${paths[@]}" "${!wanted[@]}"; do
  while path=${path%/*} && [ "$path" != "${path#*/}" ]; do folders[$path]=yes; done
done
print() { printf '%s %s\n' "$1" "$(base64 -w 0 "$1")"; }
section files
for path in "${paths[@]}"; do
  if [ "$path" -ef "nginx/live/$path" ]; then
    print "$path"
    unset "wanted[$path]"
  fi
done
taken=() mounts='' base=$(pwd -P)
if [ -f nginx/nginx.conf ] && ! ours nginx/nginx.conf; then # an nginx that has this very file starts again with whatever lies there
  mounts=$(docker container inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' "$nginx" 2>/dev/null)
fi
for path in "${!wanted[@]}"; do
  if grep -qxF "$base/$path" <<<"$mounts"; then taken+=("$path mounted")
  elif [ -f "$path" ] && [ -r "$path" ]; then print "$path"; elif [ -f "$path" ]; then taken+=("$path unreadable")
  elif [ -e "$path" ] || [ -L "$path" ]; then taken+=("$path occupied"); fi
done
for path in "${!folders[@]}"; do
  if [ ! -d "$path" ] && { [ -e "$path" ] || [ -L "$path" ]; } && ! ours "$path"; then taken+=("$path occupied"); fi
done
section taken
printf '%s\n' "${taken[@]}"
others() { # folder/
  local entry
  for entry in "$1"*; do
    case $entry in nginx/versions | nginx/live | compose/.env) continue ;; esac
    if [ -n "${wanted[$entry]:-}" ] || ours "$entry"; then continue; fi
    if [ -n "${folders[$entry]:-}" ] && [ -d "$entry" ] && [ ! -L "$entry" ]; then others "$entry/"; else
      printf '%s' "$entry" | base64 -w 0 && echo
    fi
  done
}
section others
others compose/
others nginx/
section state
echo "live $live"
started=$(docker container inspect --format '{{if .State.Running}}{{.State.StartedAt}}{{end}}' "$nginx" 2>/dev/null)
if [ -n "$live" ] && [ -n "$started" ] && [ "$(cat $versions/loaded 2>/dev/null)" != "$live" ] &&
  [ "$(date -d "$started" +%s 2>/dev/null || echo 0)" -lt "$(stat -c %Y nginx/live)" ]; then
  echo "loaded no"
fi
[ -z "${3:-}" ] || [ -z "$live" ] || cmp -s "nginx/live/nginx/projects/$4" "$3/nginx/projects/$4" || echo "loaded no"
section end
