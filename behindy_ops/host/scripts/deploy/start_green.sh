# lib: engine masked compose history
# stdin: a history line, a release line, then the Compose override. Creates green and starts it, without the aliases
# that Compose gives (docs/design.md, "Aliases survive renames") and without its restart policy until the switch
# (docs/design.md, "Restart policy at the switch"). Prints that policy. `from`: the release to take files from, or "".
dir=$1 service=$2 release=$3 network=$4 template=$5 from=$6
green=$service-green
set -e
umask 077
keep=$dir/state/releases/$service/$release
new=${keep%/*}/.new # gets its name when all of it is there
rm -rf "$new"
mkdir -p "$new"
read -r begun
read -r description
cat > "$new/override.yml"
if [ -n "$from" ]; then
  cp "$dir/state/releases/$service/$from/docker-compose.yml" "$dir/state/releases/$service/$from/.env" "$new/"
else
  cp "$dir/compose/docker-compose.yml" "$dir/.env" "$new/"
fi
printf '%s\n' "$description" > "$new/release.json"
echo candidate > "$new/status"
sync "$new/.env" "$new"/*
mv -T "$new" "$keep"
append "$dir/state/history.jsonl" <<<"$begun"
compose --progress quiet -p "behindy-$service-$release" --project-directory "$dir/compose" --env-file "$keep/.env" \
  -f "$keep/docker-compose.yml" -f "$keep/override.yml" up --no-deps --no-start --pull never "$service" >&2
docker network disconnect "$network" "$green"
docker network connect "$network" "$green"
policy=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}}' "$green")
docker update --restart no "$green" >/dev/null
docker start "$green" >/dev/null
echo "policy $policy"
state "$green" "$template"
