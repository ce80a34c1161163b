# lib: engine
# Removes images one by one, without force: docker keeps what anything uses; with `cache` yes, empties the build cache
# too. Prints what became of each, and the free bytes of Docker's disk before and after.
cache=$1
shift
room() { echo "room $(df -B1 --output=avail "$(docker info --format '{{.DockerRootDir}}')" 2>/dev/null | tail -n 1)"; }
room
for image in "$@"; do # with its last tag an image loses its digest too
  if out=$(unless_gone docker rmi "$image" 2>&1); then echo "removed $image"; else echo "kept $image $(head -n 1 <<<"$out")"; fi
done
[ "$cache" != yes ] || echo "cache $(api -m 300 -X POST 'http://docker/build/prune?all=true')"
room
