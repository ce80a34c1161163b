# The script sets `project` and `nginx`. What is kept of a release: its files below state/releases, of which its containers are made.
of_release() { # host directory, service, release
  dir=$(cd "$1" && pwd) service=$2 release=$3
  keep=$dir/state/releases/$service/$release
  declared=(--project-directory "$dir/compose" --env-file "$keep/.env" -f "$keep/docker-compose.yml")
}
own_stanza() { # what the release's compose file calls the service: as a rule, as its container is called
  local said
  said=$(sed -nE '/"services": *\{/{n;s/^ *"([^"]+)": .*/\1/p;q;}' "$keep/override.yml" 2>/dev/null)
  echo "${said:-$service}"
}
way='"x-way": 1' # of finding names, which a later one of ours may change
of_the_project() { # network, and `compose config` on stdin: its networks and volumes by the names they have for every release
  awk -v network="$1" -v way="$way" "$each_line"'
    function named(section, at, key, entry, all) {
      for (at = 1; at <= count; at++) {
        key = keys[at]
        if (key !~ "^" section "," || !(key in name) || key in external) continue
        entry = "\"name\": \"" name[key] "\"" (name[key] == network && !(key in more) ? ", \"external\": true" : "")
        all = all (all == "" ? "" : ",") "\n\"" substr(key, length(section) + 2) "\": {" entry "}"
      }
      return "\"" section "\": {" all "\n}"
    }
    at[1] !~ /^(networks|volumes)$/ { next }
    depth == 2 && /{/ { keys[++count] = at[1] "," at[2] }
    depth == 3 && /:/ {
      key = keys[count]
      if (at[3] == "name") name[key] = text()
      else if (at[3] == "external") external[key]
      else if (!/: [{][}],?$/) more[key]
    }
    END { print "{" way ", " named("networks") ", " named("volumes") "}" }'
}
names_of_before() { # a release with the same stanzas and values has the same names: to ask Compose takes longer than all else here
  local each
  ! grep -qE '^[[:space:]]*"?(include|extends)"?[[:space:]]*:' "$keep/docker-compose.yml" || return
  for each in "${keep%/*}"/*/; do
    if cmp -s "$each/docker-compose.yml" "$keep/docker-compose.yml" && cmp -s "$each/.env" "$keep/.env" &&
      grep -qF "$way" "$each/names.yml" 2>/dev/null; then
      cat "$each/names.yml" && return
    fi
  done
  return 1
}
left_behind() { # named volumes of the live release that are to be others from now on: of an earlier version of this tool, which
  # gave each release its own, or of whoever started it
  local declared mounted key name old code=0
  declared=$(sed -nE '/^}, "volumes"/,$s/^"([^"]+)": \{"name": "([^"]+)".*/\1 \2/p' "$keep/names.yml")
  [ -n "$declared" ] || return 0
  mounted=$(docker container inspect --format '{{range .Mounts}}{{println .Name}}{{end}}' "$service" "$service-blue" 2>/dev/null) || true
  while read -r key name; do
    for old in $mounted; do
      ! grep -q " $old\$" <<<"$declared" || continue
      case $old in "$key" | *"_$key") ;; *) continue ;; esac
      if docker volume inspect "$name" >/dev/null 2>&1; then echo "left $old $name"; else
        echo "docker run --rm --network none --entrypoint cp -v $old:/from:ro -v $name:/to $(docker container inspect --format '{{.Config.Image}}' "$nginx") -a /from/. /to/" >&2
        code=93
      fi
    done
  done <<<"$declared"
  return "$code"
}
keep_files() { # that the stanzas name. What they say is resolved then, in a file that is JSON (and so YAML)
  local path n=0 mark=$'\1'
  grep -qE "$named_files" "$new/docker-compose.yml" || return 0
  compose --project-directory "$dir/compose" --env-file "$new/.env" -f "$new/docker-compose.yml" --profile '*' \
    config --format json > "$new/resolved"
  with_files_in "$keep/files" < "$new/resolved" > "$new/kept"
  grep -v '^# ' "$new/kept" > "$new/docker-compose.yml"
  mkdir "$new/files"
  while read -r _ path; do
    if ! cp -pL "$path" "$new/files/$n" 2>/dev/null; then
      sed -i "s$mark\"$keep/files/$n\"$mark\"${path//&/\\&}\"$mark" "$new/docker-compose.yml"
      echo "unkept $path"
    fi
    n=$((n + 1))
  done < <(grep '^# ' "$new/kept")
  rm "$new/resolved" "$new/kept"
}
keep_release() { # network, `service/release` to take files from, or "": makes them, unless an earlier step of this deploy has. stdin: a history
  # line, a release line, then the Compose override
  local network=$1 from=$2 new begun description old config known
  [ ! -e "$keep/names.yml" ] || return 0
  new=${keep%/*}/.new # gets its name when all of it is there
  rm -rf "$new"
  mkdir -p "$new"
  read -r begun
  read -r description
  cat > "$new/override.yml"
  if [ -n "$from" ]; then
    old=$dir/state/releases/$from
    cp "$old/docker-compose.yml" "$old/.env" "$new/"
    if [ -d "$old/files" ]; then
      cp -a "$old/files" "$new/"
      sed -i "s|\"$old/files/|\"$keep/files/|" "$new/docker-compose.yml"
    fi
  else
    cp "$dir/compose/docker-compose.yml" "$dir/.env" "$new/"
    keep_files
  fi
  printf '%s\n' "$description" > "$new/release.json"
  echo candidate > "$new/status"
  find "$new" -exec sync {} +
  mv -T "$new" "$keep"
  append "$dir/state/history.jsonl" <<<"$begun"
  if ! known=$(names_of_before); then
    config=$(compose "${declared[@]}" --profile '*' config --format json)
    known=$(of_the_project "$network" <<<"$config")
  fi
  printf '%s\n' "$known" > "$keep/names.yml"
  left_behind
}
