# lib: workspace login engine masked compose history release secrets stack
# As deploy/start_green.sh, of a service of the swarm: `replicas` tasks on nodes that meet the constraints (one a line), on the
# overlay, with so many seconds of `grace`, behind its own name in DNS (`<service>-<release>`), which nobody else ever has. With a
# `user`, the first line of what comes on standard input is that one's token for the registry: the nodes get that login along, and
# pull by it.
network=$4 template=$5 from=$6 project=$7 nginx=$8 overlay=$9 replicas=${10} constraints=${11} grace=${12} registry=${13:-} user=${14:-}
set -e
umask 077
if [ -n "$user" ]; then
  IFS= read -r token
  login "$registry" "$user" <<<"$token"
fi
of_release "$1" "$2" "$3"
keep_release "$network" "$from"
key=$service-$release names=$dir/assets/.names stanza=$(own_stanza)
compose "${declared[@]}" -f "$keep/override.yml" -f "$keep/names.yml" config --format json "$stanza" >"$work/config"
: >"$work/files"
while read -r path; do
  if [ -f "$path" ]; then printf '%s %s\n' "$key-$(sha256sum "$path" | cut -c 1-12)" "$path" >>"$work/files"; fi
done < <(file_binds "$stanza" <"$work/config")
: >"$work/secrets"
from_files=$(secrets_of "$stanza" <"$work/config")
make_secrets "$project" "$key" <<<"$from_files" >"$work/secrets"
read -r image check < <(docker image inspect --format '{{.Id}} {{with index .Config "Healthcheck"}}{{with .Test}}{{index . 0}}{{end}}{{end}}' "$(sed -nE 's/^ *"image": "([^"]+)",?$/\1/p' "$keep/override.yml")")
[ -n "$image" ]
labels=$(printf '"%s": "%s",\n' behindy.name "$service-green" behindy.dns "$key" behindy.names "$names" behindy.nginx "$nginx" behindy.image "$image" behindy.check "$check" behindy.replicas "$replicas")
as_stack "$stanza" "$key" "$overlay" "$replicas" "$constraints" "$work/files" "$work/secrets" "$labels" "$grace" <"$work/config" >"$work/stack"
led timeout 60 docker stack deploy --detach --resolve-image never --with-registry-auth -c "$work/stack" "$project" 2>&1 >/dev/null |
  { grep -v '^Since --detach' || true; } | masked written_in "$keep/.env" >&2
id=$(unit "$service-green")
[ -n "$id" ]
mkdir -p "$names/ids"
chmod 755 "$names" "$names/ids"
follow_names "$names" || { [ "$?" != 3 ] || exit 101; exit 1; }
echo "policy any"
state "$service-green" "$template"
