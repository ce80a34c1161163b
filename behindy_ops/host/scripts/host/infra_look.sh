# $1 boundary, $2 host directory. Prints what Compose would run without a profile, and what runs; changes nothing.
# service: name, configuration hash, image, id of that image here or -, container name or -
# container: name, id, then by its labels or -: service, project; state, health or -, configuration hash, image id
mark=$1
cd "$2/compose" 2>/dev/null || exit 80
[ -r docker-compose.yml ] || exit 81
[ -r ../.env ] || exit 83
docker version >/dev/null || exit 82
hashes=$(docker compose config --hash '*' 2>/dev/null) || { docker compose config --quiet; exit 65; }
printf '%s services\n' "$mark"
while read -r service hash; do
  # Its values are secret: only two lines are taken out of them, here.
  stanza=$(docker compose config "$service" 2>/dev/null |
    awk -v name="  $service:" '/^  [^ ]/ {own = $0 == name} own && /^    (image|container_name): / {print $1, $2}')
  image=$(awk '$1 == "image:" {print $2}' <<<"$stanza")
  container=$(awk '$1 == "container_name:" {print $2}' <<<"$stanza")
  id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null)
  echo "$service $hash $image ${id:--} ${container:--}"
done <<<"$hashes"
printf '%s network\n' "$mark"
docker network inspect behindy-ops_internal >/dev/null 2>&1 && echo there
printf '%s containers\n' "$mark"
# shellcheck disable=SC2046 # one id a word
set -- $(docker ps -aq --no-trunc)
label() { printf '{{with index .Config.Labels "%s"}}{{.}}{{else}}-{{end}}' "$1"; }
[ "$#" = 0 ] || docker container inspect --format \
  "{{.Name}} {{.Id}} $(label com.docker.compose.service) $(label com.docker.compose.project) {{.State.Status}} {{with index .State \"Health\"}}{{.Status}}{{else}}-{{end}} $(label com.docker.compose.config-hash) $(label com.docker.compose.image)" "$@" 2>/dev/null | sed 's|^/||'
printf '%s end\n' "$mark"
