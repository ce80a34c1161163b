# lib: engine masked compose release
# One run of a scheduled service: a container of its own, made as the release that has the service's name now was. $1
# directory, $2 service, $3 seconds that it may take, $4 seconds between SIGTERM and SIGKILL. Its container stays until the
# next run, for its log. Prints its last lines without values of its environment, and ends as it ended.
dir=$1 service=$2 limit=$3 grace=$4 run=$2-run
running() { [ "$(inspect "$run" '{{.State.Running}}')" = true ]; }
found=$(inspect "$service" '{{index .Config.Labels "behindy.release"}} {{index .Config.Labels "behindy.schedule"}}')
case $? in
0) ;;
1) echo "$service is not deployed" && exit ;;
*) echo 'Docker does not answer' && exit 1 ;;
esac
of_release "$dir" "$service" "${found%% *}"
[ "${found#"$release" }" ] || { echo "$service is no scheduled job any more" && exit; }
[ -e "$keep/names.yml" ] || { echo "the files of release $release are gone: deploy $service again" && exit 1; }
! running || docker stop -t "$grace" "$run" >/dev/null # whoever was to end it in time was killed
remove "$run"
begun=$(now)
said=$(compose --progress quiet -p "behindy-$service-$release" --project-directory "$dir/compose" --env-file "$keep/.env" \
  -f "$keep/docker-compose.yml" -f "$keep/override.yml" -f "$keep/names.yml" \
  run --detach --no-deps --name "$run" "$(own_stanza)" </dev/null 2>&1) || { printf '%s\n' "$said" 'it could not be started' && exit 1; }
late=yes
while left=$((begun + limit * 1000 - $(now))) && [ "$left" -gt 0 ]; do
  timeout "$((left / 1000)).$(printf '%03d' $((left % 1000)))" docker wait "$run" >/dev/null 2>&1
  running || { late='' && break; } # an engine that was away has ended it, or has not
done
[ -z "$late" ] || docker stop -t "$grace" "$run" >/dev/null
ended=$(inspect "$run" '{{.State.ExitCode}} {{.State.OOMKilled}}')
docker logs --tail 200 "$run" 2>&1 | masked given_to "$run"
took=$((($(now) - begun) / 1000))
[ -z "$late" ] || { echo "ended by force after $limit s (x-deploy.timeout)" && exit 1; }
case $ended in
'0 '*) echo "release $release ended well after $took s" ;;
*' true') echo "OOM-killed after $took s" ;;
*) echo "ended with exit code ${ended%% *} after $took s" ;;
esac
exit "${ended%% *}"
