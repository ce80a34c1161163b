# lib: atomic masked
# One run of what a timer of this host does: $1 state directory, $2 its name, $3 the host's .env, then the command. How it
# went is in timers/<name>.json, which ops.doctor reads: when it was, whether it went well, when one last did (seconds
# since the epoch), how it ended, how many seconds it took, and its last lines.
state=$1 what=$2 env=$3
shift 3
umask 077
file=$state/timers/$what.json
mkdir -p "$state/timers" || exit 77
exec 7>>"$state/timers/$what.lock"
flock -n 7 || exit 0 # the one before is still at it
begun=$SECONDS
said=$(timeout -k 30 21600 "$@" 2>&1 </dev/null 7>&-)
code=$?
[ "$code" != 124 ] || [ "$((SECONDS - begun))" -lt 21600 ] || said='ended by force after six hours'
shown="cat" # what our own scripts say when all went well: a file's name may be a value, too
[ "$code" = 0 ] || shown=hidden
hidden() { masked written_in "$env"; }
said=$(grep -v -e '^[[:space:]]*$' -e '^Ask for help or search' <<<"$said" | tail -n 3 | "$shown" |
  LC_ALL=C tr '\n' ' ' | LC_ALL=C tr -d '"\134' | LC_ALL=C tr -c '[:print:]' '?' | head -c 400)
good=$(sed -n 's/.*"good": \([0-9]*\).*/\1/p' "$file" 2>/dev/null)
at=$(date +%s) well=false
[ "$code" != 0 ] || { well=true good=$at; }
printf '{"at": %s, "ok": %s, "good": %s, "code": %s, "seconds": %s, "said": "%s"}\n' "$at" "$well" "${good:-0}" \
  "$code" "$((SECONDS - begun))" "${said% }" | atomically "$file"
echo "$said"
exit "$code"
