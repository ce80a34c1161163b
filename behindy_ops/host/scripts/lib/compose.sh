# Docker Compose, always with a clean environment: what the login exports would win over .env. Nothing in .env decides
# either what a command is about: a profile there would start the applications beside those that are live.
# `project`, which the script may set, is its name there, whatever the folder is called.
# What it complains of may hold values: of a .env that it cannot read, the line is told and no more (lib/masked.sh).
composer=(docker compose)
if [ -w /var/run/docker.sock ] && ! grep -qs cliPlugins "$HOME/.docker/config.json"; then # where docker looks for it, in its order
  for plugin in "$HOME/.docker" /usr/local/{lib,libexec}/docker /usr/{lib,libexec}/docker; do
    if [ -x "$plugin/cli-plugins/docker-compose" ]; then composer=("$plugin/cli-plugins/docker-compose") && break; fi
  done
fi
compose() { # docker computes for 60 ms before it starts its plugin, so that is started by itself where that is to be found
  local said word files=() code=0
  for word in .env ../.env "$@"; do
    case $word in *.env) files+=("$word") ;; esac
  done
  {
    said=$(env -i PATH="$PATH" HOME="$HOME" DOCKER_HOST="$DOCKER_HOST" COMPOSE_FILE=docker-compose.yml \
      COMPOSE_PROFILES= COMPOSE_PROJECT_NAME="${project-}" COMPOSE_ENV_FILES= COMPOSE_DISABLE_ENV_FILE=0 COMPOSE_REMOVE_ORPHANS=0 \
      "${composer[@]}" "$@" 2>&1 >&3 3>&-) || code=$?
  } 3>&1
  [ -z "$said" ] || sed -E -e '/failed to read /{s/(failed to read [^:]*(: line [0-9]+)?).*/\1/;q}' \
    -e 's/^(line [0-9]+): .*/failed to read an env_file: \1/' -e 's/^(required variable [A-Za-z0-9_]+ is missing a value).*/\1/' <<<"$said" |
    masked written_in "${files[@]}" >&2
  return "$code"
}
# How awk reads `config --format json`, in which each key stands on a line of its own, indented by its depth, and no string
# spans lines: at[1] to at[depth] are the keys that lead to a line, text() is the string that stands there.
each_line='function bare(word) { gsub(/^"|"?[:,]*$/, "", word); return word }
  function text() { return match($0, /: ".*"/) ? substr($0, RSTART + 3, RLENGTH - 4) : "" }
  { at[depth = (match($0, /[^ ]/) - 1) / 2] = bare($1) }'
# shellcheck disable=SC2120 # none is a choice as well
declared() { # options of compose; `asked`: the names of nginx, with | between. Prints `<service> <what> <value>` lines and no more of the JSON, which holds secrets
  compose "$@" config --format json 2>/dev/null | awk -v asked="${asked-}" "$each_line"'
    at[1] != "services" { next }
    depth == 2 && /[{]$/ { print at[2], "is", "there" }
    depth == 3 && at[3] ~ /^(image|container_name|mem_limit|mem_reservation)$/ { print at[2], at[3], bare($2) }
    depth == 4 && at[3] == "environment" { # the port alone: what else a value has may be secret, even `nginx:0000@host`
      while (asked != "" && match($0, "https?://(" asked "):[0-9]+[/\"?#,; \\\\\047]")) {
        url = substr($0, RSTART, RLENGTH - 1); $0 = substr($0, RSTART + RLENGTH)
        sub(/.*:/, "", url); print at[2], "asks", url
      }
    }
    depth == 5 && at[3] == "ports" && at[5] == "published" { print at[2], "port", bare($2) }
    depth == 6 && at[3] == "deploy" && at[6] == "memory" {
      print at[2], at[5] == "limits" ? "mem_limit" : "mem_reservation", bare($2)
    }'
}
named_files='^[^#]*(env_file|label_file|configs|secrets|extends|include)' # what a Compose file says where it names others
# What follows reads `config --format json`: env_file, label_file, extends and include are resolved in it; configs and secrets
# are files. A path that JSON or Compose has to escape is passed over.
stanza_of() { # service: its stanza, and for what is mounted into it `file <path>`, or `value <name>` in the .env
  awk -v service="$1" "$each_line"'
    at[1] ~ /^(configs|secrets)$/ && depth == 3 && at[3] == "file" { file[at[1] at[2]] = "file " text() }
    at[1] ~ /^(configs|secrets)$/ && depth == 3 && at[3] == "environment" { file[at[1] at[2]] = "value " text() }
    at[1] != "services" || at[2] != service { next }
    depth > 2 { print }
    depth == 5 && at[3] ~ /^(configs|secrets)$/ && at[5] == "source" { used[at[3] text()] }
    END { for (name in used) if (name in file) print file[name] }'
}
with_files_in() { # place: the same with `<place>/<n>` for the n-th file, and then `# <path>` for each
  awk -v place="$1" "$each_line"'
    at[1] ~ /^(configs|secrets)$/ && depth == 3 && at[3] == "file" && !/[$\\]/ {
      path = text()
      start = index($0, path "\"")
      $0 = substr($0, 1, start - 1) place "/" n++ substr($0, start + length(path))
      order = order "# " path "\n"
    }
    { print }
    END { printf "%s", order }'
}
configured_with() { # .env; in the directory of the Compose file: one hash a service over its stanza with these values, over the files that
  # it names and the values that it is given as files: tells a changed configuration. With lib/dotenv.sh
  local given=(--env-file "$1" --profile '*') hashes resolved service stanza name
  hashes=$(compose "${given[@]}" config --hash '*') || return
  grep -qE "$named_files" docker-compose.yml || { cat <<<"$hashes" && return; }
  resolved=$(compose "${given[@]}" config --format json) || return
  while read -r service _; do
    stanza=$(stanza_of "$service" <<<"$resolved")
    echo "$service $({ echo "$stanza" && sed -n 's/^file //p' <<<"$stanza" | xargs -rd '\n' sha256sum 2>&1
      sed -n 's/^value //p' <<<"$stanza" | while read -r name; do lines_of "$name" "$1"; done; } | sha256sum | cut -d ' ' -f 1)"
  done <<<"$hashes"
}
