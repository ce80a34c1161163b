# A stanza of `compose config` as a stack file, which is JSON with commas too many (YAML takes those). What a swarm does not know
# of it is left out; its limit, its labels and the files that it mounts are said in the swarm's own way.
file_binds() { # stanza, and that JSON on stdin: the paths that it mounts
  awk -v stanza="$1" "$each_line"'
    at[1] != "services" || at[2] != stanza || at[3] != "volumes" { next }
    depth == 5 && at[5] == "type" { type = text() }
    depth == 5 && at[5] == "source" && type == "bind" { print text() }'
}
as_stack() { # stanza, key, network, replicas, constraints (one a line), file of `<path> <name of a config>` lines, labels as JSON
  # lines, seconds between SIGTERM and SIGKILL
  awk -v stanza="$1" -v key="$2" -v network="$3" -v replicas="$4" -v constraints="$5" -v configs="$6" -v labels="$7" -v grace="$8" "$each_line"'
    BEGIN {
      while ((getline line < configs) > 0) { split(line, word, " "); config[word[2]] = word[1] }
      split("command entrypoint environment init logging stop_signal user working_dir healthcheck tmpfs " \
        "volumes hostname tty stdin_open sysctls ulimits cap_add cap_drop read_only extra_hosts dns dns_search image isolation", known, " ")
      for (i in known) keep[known[i]]
    }
    at[1] != "services" || at[2] != stanza || depth < 3 { next }
    depth == 3 { if (at[3] ~ /^[]}]/) at[3] = block; else block = at[3] }
    depth == 3 && at[3] == "mem_limit" { gsub(/[",]/, "", $2); memory = $2 }
    depth == 6 && at[3] == "deploy" && at[5] == "limits" && at[6] == "memory" { gsub(/[",]/, "", $2); memory = $2 }
    at[3] == "labels" && depth == 4 && /:/ { sub(/,$/, ""); own = own $0 ",\n"; next }
    !(at[3] in keep) || (depth == 3 && / null,?$/) { next }
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
      if (memory != "" && memory != "0") printf "\"resources\": {\"limits\": {\"memory\": \"%s\"}},\n", memory
      printf "\"restart_policy\": {\"condition\": \"any\", \"delay\": \"2s\"}, \"placement\": {\"constraints\": [%s]}}\n}},\n", placed
      printf "\"networks\": {\"n\": {\"external\": true, \"name\": \"%s\"}},\n\"configs\": {", network
      for (path in config) printf "\"%s\": {\"name\": \"%s\", \"file\": \"%s\"},\n", config[path], config[path], path
      print "}}"
    }'
}
