# lib: workspace sections engine views dotenv
# The rest of the arguments is the survey. Names only: which of them have a value is told, no value leaves the host.
dir=$1 container=$2
shift 2
look=("$@")
NAMES='{{$part := split . "="}}{{index $part 0}} '
NAMES+='{{if gt (len $part) 2}}set{{else if gt (len $part) 1}}{{if index $part 1}}set{{else}}empty{{end}}{{else}}empty{{end}}'
NAMES+='{{println}}'
live() { environment_of "$container" "$NAMES"; }
image() { docker image inspect --format "{{range .Config.Env}}$NAMES{{end}}" "$(image_of "$container")"; }
compose() { cat "$dir/compose/docker-compose.yml"; }
changed() { # names whose value in .env is not the one this release was started with
  local kept
  kept=$(look "$container" '{{index .Config.Labels "behindy.release"}}' 2>/dev/null) || return 0
  kept="$dir/state/releases/${container%-green}/$kept/.env"
  [ -r "$kept" ] && [ -r "$dir/.env" ] || return 0
  echo known
  { sort -u "$dir/.env" "$kept" | comm -3 - <(sort -u "$dir/.env")
    sort -u "$dir/.env" "$kept" | comm -3 - <(sort -u "$kept"); } |
    assigned - | cut -d' ' -f1 | sort -u
}
report live image compose changed survey
