# lib: shared drains engine connections atomic
# Waits until the host's own drain of a service has ended, so many seconds at most, and prints `open <count>` meanwhile.
# `word`: now, if it need not be idle; leave, if the container is to be left as it is; or "".
state=$1 service=$2 word=$3 limit=$4
each=$(drains "$state")/drain-$service
end=$(($(now) + limit * 1000)) told=0
umask 007
drained "$each" || [ -z "$word" ] || atomically "$each.word" <<<"$word" || exit 77
until drained "$each"; do
  moment=$(now)
  [ "$moment" -lt "$end" ] || { echo "it has not ended within $limit s" >&2; exit 1; }
  if [ $((moment - told)) -ge 1000 ]; then
    told=$moment
    read -r _ _ _ _ pid port <"$each" && echo "open $(opened "$pid" "$port")"
  fi
  sleep 0.1
done
rm -f "$each.word"
