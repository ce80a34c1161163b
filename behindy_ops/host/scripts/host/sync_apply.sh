# lib: nginx
# Has a version go live, and keeps so many; `what`: reload or leave nginx. Where nginx refuses the files after all, those
# before them come back.
#
# nginx/ has links that lead through one: nginx/site.conf -> live/nginx/site.conf, live -> versions/<version>. Replacing
# `live` switches all files at once: docs/design.md, "Files switched by one rename".
dir=$1 version=$2 keep=$3 what=$4
set -e
umask 022
shopt -s dotglob nullglob
cd "$dir"
versions=nginx/versions
declare -A through=([nginx]=live/nginx [compose]=../nginx/live/compose)
see() { # what lies there of what is synchronized: `there`, as part/name
  there=()
  for entry in {nginx,compose}/*; do
    case $entry in
    nginx/versions | nginx/live | nginx/live.new | compose/.env) continue ;;
    compose/.env.example) ;;
    */.env | */.env.*) continue ;;
    esac
    there+=("$entry")
  done
}
turn() { ln -sfn "versions/$1" nginx/live.new && mv -fT nginx/live.new nginx/live; }
link() { # a link for each entry of a version
  for entry in "$versions/$1"/{nginx,compose}/*; do
    entry=${entry#"$versions/$1/"}
    part=${entry%%/*}
    target=${through[$part]}/${entry#*/}
    [ "$(readlink "$entry")" != "$target" ] || continue
    if [ -d "$entry" ] && [ ! -L "$entry" ]; then rm -rf "$entry"; fi
    ln -sfn "$target" "$part/.link.new" && mv -fT "$part/.link.new" "$entry"
  done
}
go_to() { # a version, without what it does not have
  link "$1"
  turn "$1"
  see
  for entry in "${there[@]}"; do [ -e "$versions/$1/$entry" ] || rm -rf "$entry"; done
}
see
plain=()
for entry in "${there[@]}"; do [ -L "$entry" ] || plain+=("$entry"); done
if [ "${#plain[@]}" -gt 0 ]; then # put there by hand: it becomes a version of its own, which is live already
  before=$version.before
  rm -rf "${versions:?}/$before"
  mkdir -p "$versions/$before"/{nginx,compose}
  for entry in "${there[@]}"; do
    if [ -e "$entry" ]; then cp -aL "$entry" "$versions/$before/$entry"; fi
  done
  turn "$before"
  link "$before"
fi
previous=$(readlink nginx/live 2>/dev/null || true)
previous=${previous#versions/}
go_to "$version"
mounted=$(docker container inspect --format \
  '{{if .State.Running}}{{range .Mounts}}{{if eq .Destination "/etc/nginx/behindy"}}{{.Source}}{{end}}{{end}}{{end}}' nginx 2>/dev/null || true)
if [ "$mounted" != "$PWD/nginx" ]; then
  echo "nginx elsewhere"
elif [ "$what" = reload ]; then
  if ! in_nginx nginx 'itself -t -q'; then
    if [ -n "$previous" ]; then go_to "$previous"; fi
    exit 66
  fi
  in_nginx nginx reload
  echo "nginx reloaded"
fi
echo "$version" >"$versions/loaded"
others=$(for entry in "$versions"/*/; do basename "$entry"; done | grep -vxF "$version" | sort -r)
for old in $(tail -n "+$keep" <<<"$others"); do rm -rf "${versions:?}/$old"; done
