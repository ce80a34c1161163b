# lib: engine data assets
# stdin: what to remove, one a line, of which there may be thousands: `image` and its name or id, `volume`, `network`, and
# `assets` with service and release, whose static files go. Nothing is forced: docker keeps what anything uses. With `cache`
# yes, empties the build cache too. Prints what became of each, and the free bytes of Docker's disk before and after.
dir=$1 cache=$2
given=$(cat)
every() { sed -n "s/^$1 //p" <<<"$given"; }
room() { echo "room $(fullest "$engine" | awk '{ print $2 }')"; }
engine=$(described_engine)
room
try() { # its name, and the command that removes it
  if out=$(unless_gone "${@:2}" 2>&1); then echo "removed $1"; else echo "kept $1 $(head -n 1 <<<"$out")"; fi
}
every image | untag # with its last tag an image loses its digest too
while read -r volume; do try "volume $volume" docker volume rm "$volume"; done < <(every volume)
while read -r network; do try "network $network" docker network rm "$network"; done < <(every network)
while read -r service release; do
  of "$dir" "$service"
  try "static files of $service $release" drop "$release"
done < <(every assets)
[ "$cache" != yes ] || echo "cache $(api -m 300 -X POST 'http://docker/build/prune?all=true')"
room
