# lib: engine history atomic assets
# stdin: a history line. Shows how the live container and the memory are, and which run deployed the previous release
# (`previous`, or ""); marks this one as standing and `judged`, the one a rollback leaves, if any; records the deploy,
# and forgets releases nobody would go back to: never this one, the one before it, or the one a rollback would go to
# (`back`, or this one). `release` and `judged` are directories, `rotate` is in bytes. Static files go with their release;
# `most` are the bytes of those that stay ("" for a service without), `replaced` is what was live before.
container=$1 template=$2 release=$3 history=$4 rotate=$5 judged=$6 previous=$7 back=$8 most=$9 replaced=${10}
umask 077
exec 5< <({ api -f "http://docker/containers/$container/logs?stdout=1&stderr=1&tail=5000" 2>/dev/null ||
  log_of 5000 "$container" 2>&1; } | grep -aciE '(^|[^a-z])(error|exception|fatal|panic|traceback)')
state "$container" "$template"
printf 'stats '
api "http://docker/containers/$container/stats?stream=false&one-shot=true"
echo
echo "errors $(cat <&5)"
printf 'available '
sed -nE 's/^MemAvailable:[[:space:]]+([0-9]+) kB/\1/p' /proc/meminfo
printf 'run '
[ -z "$previous" ] || grep -hsF "\"release\": \"$previous\"" "$history.1" "$history" |
  grep -oE 'https?://[A-Za-z0-9./:_-]+/actions/runs/[0-9]+' | tail -n 1
echo
code=0
atomically "$release/status" <<<stands || code=1
[ -z "$judged" ] || ! [ -d "$judged" ] || atomically "$judged/status" <<<rolled-back || code=1
rotate "$history" "$rotate" && append "$history" && [ "$code" = 0 ] || exit 1
forget() { # statuses, how many of them stay: their files hold a copy of .env
  for old in "${release%/*}"/*/; do
    [ -e "$old/status" ] || [ -e "$old/override.yml" ] || continue # not a release
    status=$(cat "$old/status" 2>/dev/null)
    case $status in stands | rolled-back | failed) ;; *) status=candidate ;; esac # torn: nothing was proven
    id=${old%/} rank=0
    id=${id##*/}
    case $id in "${release##*/}" | "$previous" | "$back") rank=1 ;; esac
    grep -qxE "$1" <<<"$status" && echo "$rank $id"
  done | sort -r | tail -n "+$(($2 + 1))" | sed -n 's/^0 //p' | while read -r id; do rm -rf "${release%/*}/${id:?}"; done
}
forget 'stands|rolled-back' 8
forget 'failed|candidate' 3
of "${release%/state/releases/*}" "$(basename "${release%/*}")"
# shellcheck disable=SC2086 # ids, or none
[ -z "$most" ] || trim "$most" "${release##*/}" $previous $replaced
