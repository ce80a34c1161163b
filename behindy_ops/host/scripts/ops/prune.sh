# lib: engine data assets
# Removes images one by one, without force: docker keeps what anything uses; with `cache` yes, empties the build cache
# too. `volumes` and `networks` are names in a row, likewise kept by docker where something uses them; `assets` are service
# and release in turn, whose static files go. Prints what became of each, and the free bytes of Docker's disk before and
# after.
dir=$1 cache=$2 volumes=$3 networks=$4 assets=$5
shift 5
room() { echo "room $(fullest "$engine" | awk '{ print $2 }')"; }
engine=$(described_engine)
room
try() { # its name, and the command that removes it
  if out=$(unless_gone "${@:2}" 2>&1); then echo "removed $1"; else echo "kept $1 $(head -n 1 <<<"$out")"; fi
}
for image in "$@"; do try "$image" docker rmi "$image"; done # with its last tag an image loses its digest too
for volume in $volumes; do try "volume $volume" docker volume rm "$volume"; done
for network in $networks; do try "network $network" docker network rm "$network"; done
while read -r service release; do
  [ -n "$release" ] || continue
  of "$dir" "$service"
  try "static files of $service $release" drop "$release"
done <<<"$assets"
[ "$cache" != yes ] || echo "cache $(api -m 300 -X POST 'http://docker/build/prune?all=true')"
room
