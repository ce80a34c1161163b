# Which entries of compose/ and nginx/ host.sync put there: links that lead through nginx/live, and nothing else. Runs in
# the host directory.
versions=nginx/versions
through() { # path: what our link there says, such as ../live/nginx/snippets/a.conf
  local below=${1#*/} up=
  while [ "$below" != "${below#*/}" ]; do up=../$up below=${below#*/}; done
  case $1 in compose/*) up=../${up}nginx/ ;; esac
  printf '%slive/%s' "$up" "$1"
}
ours() { [ "$(readlink "$1")" = "$(through "$1")" ]; }
paths() { # version: its files; one of an earlier host.sync has no list of them
  if [ -e "$versions/$1/files" ]; then cat "$versions/$1/files"; else
    (cd "$versions/$1" 2>/dev/null && find compose nginx -type f 2>/dev/null | LC_ALL=C sort)
  fi
}
