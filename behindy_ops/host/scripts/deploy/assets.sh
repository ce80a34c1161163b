# lib: engine assets
# Copies the static files of releases to where nginx serves them. `from`: their directory in the image; `at`: the URL's path
# below which they are served; `most`: bytes. Container and release follow in turn: the candidate, and the live one, unless
# its own deploy has kept them. Prints what became of each.
dir=$1 service=$2 from=$3 at=$4 most=$5
shift 5
umask 022
export LC_ALL=C
of "$dir" "$service" || exit 80
new=${served%/*}/.new
keep() { # container, release
  local codes
  chmod -R u+rwX "$new" 2>/dev/null # what a run that was killed has left
  rm -rf "$new" && mkdir -p "$new$at" "$served" "$lists" || return
  chmod go+rx "${served%/*}" "$served" 2>/dev/null # nginx's workers are others here
  files_of "$1" "$from/." |
    { head -c "$most" && [ "$(head -c 1 | wc -c)" = 0 ]; } |
    tar -x -C "$new$at" --no-same-owner --no-same-permissions
  codes="${PIPESTATUS[*]}"
  # Files and directories only: a link could lead anywhere on the host. Whatever their modes in the image, they can be read.
  chmod -R u+rwX,go=rX "$new" && find "$new" ! -type d ! -type f -delete || return
  case $codes in
  "0 0 0") ;;
  *" 1 "*) return 3 ;;
  *) return 1 ;;
  esac
  (cd "$new" && find . -type f -printf '%P\0') >"$lists/.new" && sync "$lists/.new" && sync -f "$new" &&
    mv -f "$lists/.new" "$lists/$2" || return
  cp -alf "$new/." "$served/" || { drop "$2" && return 1; }
}
while [ "$#" -gt 1 ]; do
  if [ ! -e "$lists/$2" ]; then
    said=$(keep "$1" "$2" 2>&1)
    case $? in
    0) echo "kept $2 $(named "$2" | tr -dc '\0' | wc -c) $(bytes "$2")" ;;
    3) echo "large $2" ;;
    *) echo "missing $2 $(head -n 1 <<<"$said")" ;;
    esac
    rm -rf "$new"
  fi
  shift 2
done
