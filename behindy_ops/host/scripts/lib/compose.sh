# Docker Compose, always with a clean environment: what the login exports would win over .env. Nothing in .env decides
# either what a command is about: a profile there would start the applications beside those that are live.
# What it complains of may hold values: of a .env that it cannot read, the line is told and no more (lib/masked.sh).
compose() {
  local said word files=() code=0
  for word in .env ../.env "$@"; do
    case $word in *.env) files+=("$word") ;; esac
  done
  {
    said=$(env -i PATH="$PATH" HOME="$HOME" DOCKER_HOST="$DOCKER_HOST" COMPOSE_FILE=docker-compose.yml \
      COMPOSE_PROFILES= COMPOSE_PROJECT_NAME= COMPOSE_ENV_FILES= COMPOSE_DISABLE_ENV_FILE=0 COMPOSE_REMOVE_ORPHANS=0 \
      docker compose "$@" 2>&1 >&3 3>&-) || code=$?
  } 3>&1
  [ -z "$said" ] || sed -E '/failed to read /{s/(failed to read [^:]*(: line [0-9]+)?).*/\1/;q}' <<<"$said" |
    masked written_in "${files[@]}" >&2
  return "$code"
}
# shellcheck disable=SC2120 # none is a choice as well
declared() { # options of compose. Prints `<service> <what> <value>` lines and no more of the JSON, which holds secrets; each
  # key in it stands on a line of its own, indented by its depth, and no string spans lines.
  compose "$@" config --format json 2>/dev/null | awk '
    function bare(text) { gsub(/^"|"?[:,]?$/, "", text); return text }
    { at[depth = (match($0, /[^ ]/) - 1) / 2] = bare($1) }
    at[1] != "services" { next }
    depth == 2 && /[{]$/ { print at[2], "is", "there" }
    depth == 3 && at[3] ~ /^(image|container_name|mem_limit|mem_reservation)$/ { print at[2], at[3], bare($2) }
    depth == 5 && at[3] == "ports" && at[5] == "published" { print at[2], "port", bare($2) }
    depth == 6 && at[3] == "deploy" && at[6] == "memory" {
      print at[2], at[5] == "limits" ? "mem_limit" : "mem_reservation", bare($2)
    }'
}
