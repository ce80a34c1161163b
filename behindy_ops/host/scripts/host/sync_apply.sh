# lib: nginx synced
# Has a version go live, and keeps so many; `what`: reload or leave nginx. Where nginx refuses the files after all, those
# before them come back.
#
# nginx/ has links that lead through one: nginx/site.conf -> live/nginx/site.conf, live -> versions/<version>. Replacing
# `live` switches all files at once: docs/design.md, "Files switched by one rename". Directories are real ones, so that
# what somebody else has in them stays where it is.
dir=$1 nginx=$2 version=$3 keep=$4 what=$5
set -e
umask 022
cd "$dir"
turn() { ln -sfn "versions/$1" nginx/live.new && mv -fT nginx/live.new nginx/live; }
real() { # folder: a directory, where an earlier host.sync put a link to one of a version
  case $1 in */*) real "${1%/*}" ;; esac
  if [ -L "$1" ] && ours "$1"; then rm -f "$1"; fi
  mkdir -p "$1"
}
link() { # a link for each file of a version
  local path
  while IFS= read -r path; do
    if ours "$path"; then continue; fi
    real "${path%/*}"
    ln -sfn "$(through "$path")" "${path%/*}/.behindy-ops.new" && mv -fT "${path%/*}/.behindy-ops.new" "$path"
  done < <(paths "$1")
}
go_to() {
  link "$1"
  turn "$1"
  local path
  while IFS= read -r -d '' path; do # what this version does not have
    if ours "$path"; then
      rm -f "$path"
      rmdir -p "${path%/*}" 2>/dev/null || true
    fi
  done < <(find compose nginx -path nginx/versions -prune -o -xtype l -print0 2>/dev/null || true)
}
previous=$(readlink nginx/live 2>/dev/null || true)
previous=${previous#versions/}
by_hand=()
while IFS= read -r path; do
  if [ -f "$path" ] && ! [ "$path" -ef "nginx/live/$path" ]; then by_hand+=("$path"); fi
done < <(paths "$version")
if ((${#by_hand[@]})); then # it becomes a version that is live already, and that stays: it is somebody's work
  before=$version.before
  rm -rf "${versions:?}/$before"
  mkdir -p "$versions/$before"
  if [ -n "$previous" ]; then cp -a "$versions/$previous/." "$versions/$before/" && rm -f "$versions/$before/files"; fi
  cp -aL --parents "${by_hand[@]}" "$versions/$before/"
  echo "kept $before"
  turn "$before"
  link "$before"
  previous=$before
fi
[ -z "$previous" ] || link "$previous"
go_to "$version"
mounted=$(docker container inspect --format \
  '{{if .State.Running}}{{range .Mounts}}{{if eq .Destination "/etc/nginx/behindy"}}{{.Source}}{{end}}{{end}}{{end}}' "$nginx" 2>/dev/null || true)
if [ "$mounted" != "$PWD/nginx" ]; then
  echo "nginx elsewhere"
elif [ "$what" = reload ]; then
  if ! in_nginx "$nginx" 'itself -t -q'; then
    if [ -n "$previous" ]; then go_to "$previous"; fi
    exit 66
  fi
  in_nginx "$nginx" reload
  echo "nginx reloaded"
fi
echo "$version" >"$versions/loaded"
only_ours() { # version: whether it has its list, and nothing that is not on it
  [ -e "$versions/$1/files" ] &&
    ! (cd "$versions/$1" && find . -mindepth 1 ! -type d ! -path ./files -printf '%P\n' | grep -qvxFf files)
}
others=$(for entry in "$versions"/*/; do basename "$entry"; done | grep -vxF "$version" | sort -r)
for old in $(tail -n "+$keep" <<<"$others"); do
  if only_ours "$old"; then rm -rf "${versions:?}/$old"; fi
done
