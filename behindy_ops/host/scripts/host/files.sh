# lib: sections
# $1 host directory. Prints the files of compose/ and nginx/ as they are seen there, one line each: path and content in
# base64; then whether the nginx that runs has loaded them. Changes nothing.
cd "$1" 2>/dev/null || exit 80
section files
find -L compose nginx \( -path nginx/versions -o -path nginx/live -o -path compose/.env \) -prune -o \
  -type f ! \( -name '.env' -o -name '.env.*' ! -name .env.example \) -print 2>/dev/null | LC_ALL=C sort |
  while IFS= read -r file; do printf '%s %s\n' "$file" "$(base64 -w 0 "$file")"; done
section state
live=$(readlink nginx/live 2>/dev/null)
echo "live ${live#versions/}"
started=$(docker container inspect --format '{{if .State.Running}}{{.State.StartedAt}}{{end}}' nginx 2>/dev/null)
if [ -n "$live" ] && [ -n "$started" ] && [ "$(cat nginx/versions/loaded 2>/dev/null)" != "${live#versions/}" ] &&
  [ "$(date -d "$started" +%s 2>/dev/null || echo 0)" -lt "$(stat -c %Y nginx/live)" ]; then
  echo "loaded no"
fi
section end
