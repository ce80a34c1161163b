# lib: workspace engine masked compose history release secrets
# stdin: a history line, a release line, then the Compose override. Creates green and starts it, without the aliases
# that Compose gives (docs/design.md, "Aliases survive renames") and without its restart policy until the switch
# (docs/design.md, "Restart policy at the switch"). Prints that policy. `from`: `service/release` to take files from, or
# "". `idle`: it is not started, since it is a job's, and what the host runs at its times is made as this one was.
network=$4 template=$5 from=$6 project=$7 nginx=$8 idle=${9:-}
green=$2-green
set -e
umask 077
of_release "$1" "$2" "$3"
own_name_alone() {
  local what
  for what in disconnect connect; do
    post "networks/$1/$what" "{\"Container\":\"$green\"}" || docker network "$what" "$1" "$green" || return
  done
}
keep_release "$network" "$from"
compose --progress quiet -p "behindy-$service-$release" "${declared[@]}" -f "$keep/override.yml" -f "$keep/names.yml" \
  up --no-deps --no-start --pull never "$(own_stanza)" </dev/null >&2
made=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}}{{range $name, $_ := .NetworkSettings.Networks}} {{$name}}{{end}}' "$green")
read -r policy networks <<<"$made"
others=() # not the project's own: Docker has them by their ids, and only a container that runs can leave one of those
for each in $networks; do
  case $each in
  host | none) ;; # as its network_mode says; Docker takes nobody from these
  *) if [[ $each =~ ^[0-9a-f]{64}$ ]]; then others+=("$each"); else own_name_alone "$each"; fi ;;
  esac
done
put_secrets "$green" < <(secrets_of "$(own_stanza)" <"$keep/docker-compose.yml")
restarts "$green" no
if [ -n "$idle" ]; then echo "policy $policy" && state "$green" "$template" && exit; fi
post "containers/$green/start" '' || docker start "$green" >/dev/null
for each in "${others[@]}"; do own_name_alone "$each" || [ "$(docker container inspect --format '{{.State.Running}}' "$green")" != true ]; done
echo "policy $policy"
state "$green" "$template"
