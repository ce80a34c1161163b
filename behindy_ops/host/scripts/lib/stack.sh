# A stanza of `compose config` as a stack file, which is JSON with commas too many (YAML takes those). What a swarm does not know
# of it is left out; its limit, its labels and the files that it mounts are said in the swarm's own way.
file_binds() { # stanza, and that JSON on stdin: the paths that it mounts, and those of its configs
  awk -v stanza="$1" "$each_line"'
    at[1] == "configs" && depth == 3 && at[3] == "file" { print text() }
    at[1] != "services" || at[2] != stanza || at[3] != "volumes" { next }
    depth == 5 && at[5] == "type" { type = text() }
    depth == 5 && at[5] == "source" && type == "bind" { print text() }'
}
as_stack() { # stanza, key, network, replicas, constraints (one a line), files of `<name of a config> <path>` lines and of `<source>
  # <name of a secret>` lines, labels as JSON lines, seconds between SIGTERM and SIGKILL
  awk -v stanza="$1" -v key="$2" -v network="$3" -v replicas="$4" -v constraints="$5" -v configs="$6" -v secrets="$7" -v labels="$8" -v grace="$9" "$each_line"'
    BEGIN {
      while ((getline line < configs) > 0) { split(line, word, " "); config[word[2]] = word[1] }
      while ((getline line < secrets) > 0) { split(line, word, " "); secret[word[1]] = word[2] }
      split("command entrypoint environment init logging stop_signal user working_dir healthcheck tmpfs " \
        "volumes hostname tty stdin_open sysctls ulimits cap_add cap_drop read_only extra_hosts dns dns_search image secrets", known, " ")
      for (i in known) keep[known[i]]
    }
    at[1] == "configs" && depth == 3 && at[3] == "file" { of[at[2]] = text() }
    at[1] != "services" || at[2] != stanza || depth < 3 { next }
    depth == 3 { if (at[3] ~ /^[]}]/) at[3] = block; else block = at[3] }
    depth == 3 && at[3] ~ /^(mem_limit|cpus|pids_limit)$/ { limit[at[3]] = bare($2) }
    depth == 6 && at[3] == "deploy" && at[5] == "limits" { limit[at[6] == "memory" ? "mem_limit" : at[6] == "pids" ? "pids_limit" : at[6]] = bare($2) }
    at[3] == "configs" && depth == 5 && at[5] == "source" { source = text(); target = "" }
    at[3] == "configs" && depth == 5 && at[5] == "target" { target = text() }
    at[3] == "configs" && depth == 4 && /^ *[}],?$/ && of[source] in config {
      mounted = mounted "{\"source\": \"" config[of[source]] "\", \"target\": \"" (target == "" ? "/" source : target) "\"},\n"
    }
    at[3] == "labels" && depth == 4 && /:/ { sub(/,$/, ""); own = own $0 ",\n"; next }
    !(at[3] in keep) || (depth == 3 && / null,?$/) { next }
    at[3] == "secrets" && depth == 5 && at[5] == "mode" && text() != "" { # newer Composes write it in octal
      mode = 0
      for (i = 1; i <= length(text()); i++) mode = mode * 8 + substr(text(), i, 1)
      sub(/".*/, "\"mode\": " mode)
    }
    at[3] == "volumes" && depth == 4 && /^ *[{],?$/ { item = ""; source = ""; target = ""; type = ""; inside = 1; next }
    at[3] == "volumes" && inside && depth == 4 && /^ *[}],?$/ {
      inside = 0
      if (type == "bind" && source in config) mounted = mounted "{\"source\": \"" config[source] "\", \"target\": \"" target "\"},\n"
      else out = out "{" item "},\n"
      next
    }
    inside {
      if (depth == 5 && at[5] == "type") type = text()
      if (depth == 5 && at[5] == "source") source = text()
      if (depth == 5 && at[5] == "target") target = text()
      if (at[5] != "bind") item = item $0 "\n"
      next
    }
    depth == 3 && /[^,]$/ && !/[[{]$/ { $0 = $0 "," }
    { out = out $0 "\n" }
    END {
      n = split(constraints, each, "\n")
      for (i = 1; i <= n; i++) if (each[i] != "") placed = placed "\"" each[i] "\","
      printf "{\"services\": {\"%s\": {\n%s", key, out
      printf "\"stop_grace_period\": \"%ss\", \"networks\": {\"n\": {}},\n\"labels\": {%s},\n\"configs\": [%s],\n", grace, own, mounted
      printf "\"deploy\": {\"mode\": \"replicated\", \"replicas\": %s, \"endpoint_mode\": \"dnsrr\", \"labels\": {%s%s},\n", replicas, own, labels
      if (limit["mem_limit"] > 0) limits = "\"memory\": \"" limit["mem_limit"] "\","
      if (limit["cpus"] > 0) limits = limits "\"cpus\": \"" limit["cpus"] "\","
      if (limit["pids_limit"] > 0) limits = limits "\"pids\": " limit["pids_limit"]
      if (limits != "") printf "\"resources\": {\"limits\": {%s}},\n", limits
      printf "\"restart_policy\": {\"condition\": \"any\", \"delay\": \"2s\"}, \"placement\": {\"constraints\": [%s]}}\n}},\n", placed
      printf "\"networks\": {\"n\": {\"external\": true, \"name\": \"%s\"}},\n\"configs\": {", network
      for (path in config) printf "\"%s\": {\"name\": \"%s\", \"file\": \"%s\"},\n", config[path], config[path], path
      printf "}, \"secrets\": {"
      for (source in secret) printf "\"%s\": {\"external\": true, \"name\": \"%s\"},\n", source, secret[source]
      print "}}"
    }'
}
# A secret of the swarm cannot be changed, so each release has its own, which go with its service (remove, of swarm/lib/engine.sh).
make_secrets() { # project, what their names begin with; stdin: secrets_of. Prints `<source> <name>` for each
  local each source kind what name path size said wanted=() lines
  mapfile -t lines
  forget_secrets "$1"
  mkdir -p "$work/values"
  for each in "${lines[@]}"; do
    read -r source kind what _ <<<"$each"
    [ "$kind" != environment ] || wanted+=("$what")
  done
  [ "${#wanted[@]}" = 0 ] || values_of "$work/values" "${wanted[@]}"
  for each in "${lines[@]}"; do
    read -r source kind what _ <<<"$each"
    [ -n "$source" ] || continue
    path=$what name=$2-$source
    [ "$kind" != environment ] || path=$work/values/$what
    [ "${#name}" -le 64 ] || name=$2-$(sha256sum <<<"$source" | cut -c 1-12)
    size=$(stat -L -c %s "$path" 2>/dev/null) || { echo "the secret $source has no file $path" >&2 && exit 100; }
    if [ "$size" = 0 ] || [ "$size" -ge 512000 ]; then echo "the secret $source ($what) has $size bytes" >&2 && exit 100; fi
    said=$(docker secret create --label "behindy.project=$1" --label "behindy.service=$service" \
      --label "behindy.release=$release" --label "behindy.secret=$source" "$name" - 2>&1 <"$path") ||
      case $said in *AlreadyExists* | *"already exists"*) ;; *) printf '%s\n' "$said" >&2 && return 1 ;; esac
    echo "$source $name"
  done
}
forget_secrets() { # project: those of its releases that are gone, which a run that was killed has left
  local said needed name release unneeded=()
  said=$(timeout 10 docker secret ls --filter "label=behindy.project=$1" --format '{{.Name}} {{.Label "behindy.release"}}') || return 0
  [ -n "$said" ] || return 0
  needed=" $(releases_in_use | cut -d ' ' -f 1 | tr '\n' ' ')" || return 0
  while read -r name release; do
    [[ "$needed" == *" $release "* ]] || unneeded+=("$name")
  done <<<"$said"
  [ "${#unneeded[@]}" = 0 ] || timeout 20 docker secret rm "${unneeded[@]}" >/dev/null 2>&1 || true
}
