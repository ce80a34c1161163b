# A command that runs once, in a container of its own: with the image, environment, networks, volumes and limits of a release
# (lib/release.sh), and whatever its stanza says without a port, an alias, a health check or restarts. The script sets `network`.
also_on() { :; } # network: another one, which it is to be on besides
once() { # the container's name, what it is for, words
  local name=$1 what=$2 stanza further joined='' declared='' files=(-f "$keep/docker-compose.yml" -f "$keep/override.yml")
  shift 2
  stanza=$(own_stanza)
  further=$(also_on "$network")
  [ -z "$further" ] || joined=', "networks": {"further": {}}' declared=", \"networks\": {\"further\": {\"external\": true, \"name\": \"$further\"}}"
  [ ! -e "$keep/names.yml" ] || files+=(-f "$keep/names.yml")
  compose --progress quiet -p "behindy-$service-$release" --project-directory "$dir/compose" --env-file "$keep/.env" "${files[@]}" -f - \
    run --detach --no-deps --no-TTY --name "$name" --label "behindy.once=$what" "$stanza" "$@" >/dev/null <<EOF_
{"services": {"$stanza": {"pull_policy": "never", "healthcheck": {"disable": true}$joined}}$declared}
EOF_
}
