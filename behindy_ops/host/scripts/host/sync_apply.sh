# lib: nginx
# $1 host directory, $2 version to go live, $3 versions to keep, $4 reload or leave nginx. Exit code 66: nginx refused
# the files after all, and those before them are back.
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
ours() { # part, name: whether it belongs to what is synchronized
  case $1/$2 in
  nginx/versions | nginx/live | nginx/live.new | compose/.env) return 1 ;;
  compose/.env.example) return 0 ;;
  */.env | */.env.*) return 1 ;;
  esac
}
turn() { ln -sfn "versions/$1" nginx/live.new && mv -fT nginx/live.new nginx/live; }
link() { # a link for each entry of a version
  local part entry name
  for part in nginx compose; do
    for entry in "$versions/$1/$part"/*; do
      name=${entry##*/}
      [ "$(readlink "$part/$name")" != "${through[$part]}/$name" ] || continue
      if [ -d "$part/$name" ] && [ ! -L "$part/$name" ]; then rm -rf "${part:?}/$name"; fi
      ln -sfn "${through[$part]}/$name" "$part/.link.new" && mv -fT "$part/.link.new" "$part/$name"
    done
  done
}
unlink_others() { # what a version does not have
  local part entry name
  for part in nginx compose; do
    for entry in "$part"/*; do
      name=${entry##*/}
      if ours "$part" "$name" && [ ! -e "$versions/$1/$part/$name" ]; then rm -rf "$entry"; fi
    done
  done
}
plain() { # whether something was put there by hand
  local part entry
  for part in nginx compose; do
    for entry in "$part"/*; do
      if ours "$part" "${entry##*/}" && [ ! -L "$entry" ]; then return 0; fi
    done
  done
  return 1
}
keep_what_is_there() { # as a version of its own, which is live already
  local before=$version.before part entry
  rm -rf "${versions:?}/$before"
  for part in nginx compose; do
    mkdir -p "$versions/$before/$part"
    for entry in "$part"/*; do
      if ours "$part" "${entry##*/}" && [ -e "$entry" ]; then cp -aL "$entry" "$versions/$before/$part/"; fi
    done
  done
  turn "$before"
  link "$before"
}
if plain; then keep_what_is_there; fi
previous=$(readlink nginx/live 2>/dev/null || true)
previous=${previous#versions/}
go_to() {
  link "$1"
  turn "$1"
  unlink_others "$1"
}
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
