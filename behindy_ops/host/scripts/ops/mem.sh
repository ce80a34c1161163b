# lib: workspace sections engine swarm views
# The arguments are the survey. What holds memory: the host's own figures, each container's, those of
# processes outside of containers, and every trace of an OOM kill that this user may read.
look=("$@")
meminfo() { cat /proc/meminfo && grep -E '^oom_kill ' /proc/vmstat; grep -E '^btime ' /proc/stat; }
stats() { docker ps -q --no-trunc | readings; }
kills() { # since each container's own start: the counter of its cgroup, version 2 or 1
  local files=()
  while read -r own; do
    files+=("/sys/fs/cgroup$own/memory.events" "/sys/fs/cgroup/memory$own/memory.oom_control")
  done < <(grep -shE '^(0:|[0-9]+:memory):' /proc/[0-9]*/cgroup | cut -d: -f3 |
    sed -nE 's/^(.*[0-9a-f]{64}(\.scope)?).*$/\1/p' | sort -u)
  [ "${#files[@]}" -eq 0 ] || grep -sH '^oom_kill ' "${files[@]}"
  return 0
}
# Which of them are outside is asked after the figures: one that ends or begins in between is then left out, not misplaced.
processes() { # kB and name of what runs outside of containers, biggest first; not those of this look
  ours=$(sed -nE 's/^NSpgid:[[:space:]]+([0-9]+).*/\1/p' "/proc/$$/status")
  grep -sE '^(Name|NSpgid|VmRSS):' /proc/[0-9]*/status >"$work/status"
  grep -sLE '[0-9a-f]{64}' /proc/[0-9]*/cgroup | sed 's/cgroup$/status/' >"$work/outside"
  awk -v ours="$ours" -v outside="$work/outside" '
    BEGIN { while ((getline line < outside) > 0) listed[line] = 1 }
    { at = index($0, ":"); file = substr($0, 1, at - 1); text = substr($0, at + 1)
      if (!(file in listed)) next
      if (text ~ /^Name:/) { sub(/^Name:[ \t]*/, "", text); name = text; next }
      split(text, words, " ")
      if (text ~ /^NSpgid:/) { own = words[2] == ours; next }
      if (!own) { kb[name] += words[2]; count[name]++ } }
    END { for (name in kb) print kb[name], count[name], name }' "$work/status" | sort -rn | head -n 12
}
report meminfo stats kills processes events kernel swarm_ nodes_ survey
