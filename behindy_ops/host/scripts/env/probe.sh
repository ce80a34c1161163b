# lib: sections engine masked compose dotenv atomic
# `what`: look, or replace the .env whose sha256 is `replaced` (none for none), keeping so many of the backups. stdin: a
# line with the sizes in bytes of what follows it: names (one a line), a candidate .env, what it means (a compose file,
# see probe), what the example says (the same), the checkout's compose file, for a host that has none yet; 0 for each
# that is not given. Values are compared here, as docker compose reads them, by the hashes it makes; none is printed.
dir=$1 what=$2 replaced=$3 backup=$4 kept=$5
umask 077
LC_ALL=C
export LC_ALL
dir=$(cd "$dir" 2>/dev/null && pwd) || exit 80
sha() { [ -f "$1" ] && sha256sum <"$1" | cut -d' ' -f1 || echo none; }
# In memory where that can be had; what a run that was killed left behind holds values, so it goes.
find /dev/shm "${TMPDIR:-/tmp}" -maxdepth 1 -name 'behindy-env.*' -user "$(id -u)" -mmin +5 -exec rm -rf {} + 2>/dev/null
work=$(mktemp -d /dev/shm/behindy-env.XXXXXX 2>/dev/null || mktemp -d -t behindy-env.XXXXXX) || exit 77
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM HUP INT
read -r -a sizes || exit 79
[ "${#sizes[@]}" = 5 ] || exit 79
parts=(names candidate meant example compose)
for index in "${!parts[@]}"; do head -c "${sizes[index]}" >"$work/${parts[index]}"; done
given() { [ -s "$work/$1" ]; }
probe() { # stdin: names. A compose file with a service for each, so that the hash of the service is that of the value
  awk 'BEGIN { printf "{\"services\":{\"0absent\":{\"image\":\"x\",\"environment\":{\"S\":\"\",\"V\":\"\"}},"
    printf "\"0empty\":{\"image\":\"x\",\"environment\":{\"S\":\"set\",\"V\":\"\"}}" }
  { printf ",\"%s\":{\"image\":\"x\",\"environment\":{\"S\":\"${%s+set}\",\"V\":\"${%s-}\"}}", $1, $1, $1 } END { print "}}" }'
}
hashes() { # .env, compose file of a probe
  compose -p probe --project-directory "$work" --env-file "$1" -f "$2" config --hash '*' 2>"$work/err"
}
unread() { sed -nE 's/.*(line [0-9]+).*/\1/p' "$work/err" | head -n 1; } # the rest of the message may hold a value
unusable() { failed "$1" 1; section "$1.err"; printf '%s\n' "$2"; } # section, why
file=$dir/.env
section host
[ ! -f "$file" ] || stat -L -c 'mode %a' "$file"
echo "sha $(sha "$file")"
[ -f "$file" ] || file=/dev/null
dollars "$file" | sed 's/^/dollar /'
new=$work/candidate
section states
{ assigned "$file" "$new" | cut -d' ' -f1; cat "$work/names"; } | sort -u | probe >"$work/probe"
for which in old:"$file" new:"$new"; do
  hashes "${which#*:}" "$work/probe" >"$work/${which%%:*}" || unusable "${which%%:*}" "$(unread)"
done
section states
! given meant || hashes /dev/null "$work/meant" >"$work/as_meant" || unusable meant "$(unread)"
! given example || hashes /dev/null "$work/example" >"$work/as_example" || unusable example "$(unread)"
for which in old new as_meant as_example; do sed "s/^/$which /" "$work/$which" 2>/dev/null; done |
  awk '{ hash[$1, $2] = $3; names[$2] }
  function state(w, name) {
    return !((w, name) in hash) || hash[w, name] == hash[w, "0absent"] ? "absent" : hash[w, name] == hash[w, "0empty"] ? "empty" : "set"
  }
  function like(w, which, name) { return !((w, name) in hash) ? "-" : hash[w, name] == hash[which, name] ? "yes" : "no" }
  END { for (name in names) if (name !~ /^0/) print name, state("old", name), state("new", name),
    hash["old", name] == hash["new", name] ? "same" : "differs",
    like("as_meant", "new", name), like("as_example", "old", name), like("as_example", "new", name) }' | sort
section weak
for which in "$file" "$new"; do
  [ "$which" = "$file" ] && word=host || word=candidate
  assigned "$which" |
    grep -iE "^[a-z0-9_]+ ['\"]?(<[^>]*>|change[-_ ]?(me|it|this).*|replace[-_ ]?(me|this).*|your[-_ ].*|x{3,}|todo|fixme|\.\.\.)['\"]?[[:space:]]*(#.*)?$" |
    sed "s/ .*//; s/^/$word /"
done
if [ -f "$dir/compose/docker-compose.yml" ]; then base=$dir/compose; else base=$work; mv "$work/compose" "$work/docker-compose.yml"; fi
whole() { (cd "$base" && compose --env-file "$1" --profile '*' config "${@:2}" 2>"$work/err"); }
hashes_with() (cd "$base" && configured_with "$1" 2>"$work/err")
section services
hashes_with "$file" | sed 's/^/old /'
if given candidate; then
  hashes_with "$new" | sed 's/^/new /'
  whole "$new" -q || unusable config "$(tail -n 5 "$work/err")"
  section services
fi
configurations 2>/dev/null | sed 's/^/live /'
if [ "$what" = replace ]; then
  section replaced
  if [ "$(sha "$dir/.env")" != "$replaced" ]; then echo changed
  else
    place=$(readlink -f "$dir/.env")
    mkdir -p "$dir/state/env" || exit 77
    if cp "$work/candidate" "$place.new" && chmod 600 "$place.new" && sync "$place.new" &&
      { [ ! -f "$place" ] || atomically "$dir/state/env/$backup" <"$place"; } &&
      mv "$place.new" "$place"; then echo yes; else rm -f "$place.new"; echo no; fi
    find "$dir/state/env" -maxdepth 1 -name '*.env.new' -delete # of a run that was killed
    digits='[0-9][0-9][0-9][0-9][0-9][0-9]' # only what is called as these copies are; another file is somebody's own
    find "$dir/state/env" -maxdepth 1 -type f -name "[0-9][0-9]$digits-$digits-$digits.env" | sort -r | tail -n "+$((kept + 1))" | while read -r old; do rm -f "$old"; done
  fi
fi
section end
