# After ops_parts.sh; the arguments are the survey. What holds memory: the host's own figures, each container's, those of
# processes outside of containers, and every trace of an OOM kill that this user may read.
look=("$@")
meminfo() { cat /proc/meminfo && grep -E '^oom_kill ' /proc/vmstat; grep -E '^btime ' /proc/stat; }
names() { running; }
stats() {
  # shellcheck disable=SC2046 # one id a word
  readings $(docker ps -q --no-trunc)
}
kills() { # since each container's own start: the counter of its cgroup, version 2 or 1
  # shellcheck disable=SC2046 # one id a word
  set -- $(docker ps -q --no-trunc)
  [ "$#" -eq 0 ] || docker container inspect --format '{{.Id}} {{.State.Pid}}' "$@" | while read -r id pid; do
    own=$(grep -sE '^(0:|[0-9]+:memory):' "/proc/$pid/cgroup" | cut -d: -f3 | grep -E '[0-9a-f]{64}' | head -n 1)
    for file in "/sys/fs/cgroup$own/memory.events" "/sys/fs/cgroup/memory$own/memory.oom_control"; do
      [ -n "$own" ] && [ -r "$file" ] && sed -nE "s/^oom_kill ([0-9]+)$/$id \1/p" "$file" && break
    done
  done
  return 0
}
processes() { # kB and name of what runs outside of containers, biggest first; not those of this look
  ours=$(sed -nE 's/^NSpgid:[[:space:]]+([0-9]+).*/\1/p' "/proc/$$/status")
  grep -slE '[0-9a-f]{64}' /proc/[0-9]*/cgroup | sed 's/cgroup$/status/' >"$work/inside"
  grep -sE '^(Name|NSpgid|VmRSS):' /proc/[0-9]*/status | awk -v ours="$ours" -v inside="$work/inside" '
    BEGIN { while ((getline line < inside) > 0) skip[line] = 1 }
    { at = index($0, ":"); file = substr($0, 1, at - 1); text = substr($0, at + 1)
      if (file in skip) next
      if (text ~ /^Name:/) { sub(/^Name:[ \t]*/, "", text); name = text; next }
      split(text, words, " ")
      if (text ~ /^NSpgid:/) { own = words[2] == ours; next }
      if (!own) { kb[name] += words[2]; count[name]++ } }
    END { for (name in kb) print kb[name], count[name], name }' | sort -rn | head -n 12
}
events() { # docker keeps its last 256 events only
  timeout --foreground 2 docker events --since "$(awk '$1 == "btime" { print $2 }' /proc/stat)" --until "$(date +%s)" --filter event=oom \
    --format '{{.TimeNano}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
}
kernel() { # the kernel's log, where this user may read it
  if journalctl -k -b -q --no-pager -n 1 2>/dev/null | grep -q .; then
    echo readable
    timeout --foreground 2 journalctl -k -b -q --no-pager -o short-unix -g 'oom-kill:constraint=' 2>/dev/null | tail -n 50
  elif dmesg --time-format iso >"$work/dmesg" 2>/dev/null; then
    echo readable
    grep -F 'oom-kill:constraint=' "$work/dmesg" | tail -n 50
  fi
  return 0
}
report meminfo names stats kills processes events kernel survey
