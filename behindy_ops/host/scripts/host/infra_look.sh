# lib: sections engine masked compose visitors swarm
# Prints what Compose would run without a profile, and all containers; changes nothing. directory: of the compose file, by
# each of its names; hashes: service and hash of its
# configuration; stanzas: see `declared` in lib/compose.sh; images: their ids and names; mounts: what Compose would mount;
# mounted: what each container has; ipv6: what lacks for visitors by IPv6.
project=$2 network=$3 container=$4
cd "$1/compose" 2>/dev/null || exit 80
[ -r docker-compose.yml ] || exit 81
[ -r ../.env ] || exit 83
docker version >/dev/null || exit 82
hashes=$(compose config --hash '*' 2>/dev/null) || { compose config --quiet; exit 65; }
section directory
pwd -P && pwd
section hashes
echo "$hashes"
section stanzas
# shellcheck disable=SC2119
declared
section images
compose config --images | sort -u | while read -r image; do
  docker image inspect --format "{{.Id}} $image" "$image" 2>/dev/null
done
section mounts # type, source and target of each one, as JSON; volumes by the names that Docker knows
compose config --format json | awk '
  { at[depth = (match($0, /[^ ]/) - 1) / 2] = $1; gsub(/["{:,[]/, "", at[depth])
    value = $0; sub(/^ *"[^"]*": /, "", value); sub(/,$/, "", value) }
  depth == 5 && at[1] == "services" && at[3] == "volumes" && at[5] ~ /^(type|source|target)$/ { print at[2], at[5], value }
  depth == 3 && at[1] == "volumes" && at[3] == "name" { print ":", at[2], value }'
section swarm_
swarm_
section network
docker network inspect "$network" >/dev/null 2>&1 && echo there
section ipv6
[ -e ../nginx/listen_443.conf ] || echo "lacks files"
ipv6_rules
[ -n "$(public_ipv6)" ] || echo "lacks address"
# A default route that the kernel itself has learned from announcements (RTF_DEFAULT): it hears no more of them once Docker has
# it forward, unless accept_ra is 2.
awk '$1 $2 ~ /^0+$/ && substr($9, 4, 1) ~ /[13579bdf]/ { print $10 }' /proc/net/ipv6_route 2>/dev/null | while read -r interface; do
  [ "$(cat "/proc/sys/net/ipv6/conf/$interface/accept_ra" 2>/dev/null)" != 1 ] || echo "lacks router"
done
section containers
docker ps -aq --no-trunc | xargs -r docker container inspect --format "$container" 2>/dev/null
section mounted # name, and what is mounted
docker ps -aq --no-trunc | xargs -r docker container inspect --format '{{.Name}} {{json .Mounts}}' 2>/dev/null
section end
