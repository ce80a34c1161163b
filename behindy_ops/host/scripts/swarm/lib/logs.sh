# Of a service of the swarm: what each of its tasks writes, wherever it runs, behind `<number>@<node> | `. Values are hidden
# before that is put there: a word in lines of base64 is known by where a line begins. With `stamps`, the boundary stands
# between the time and the task.
tasks_by_node() { # id: each of its tasks, its number and its node's name
  local ids
  ids=$(timeout 10 docker service ps -q --no-trunc "$1") || return
  [ -z "$ids" ] || {
    nodes | sed -nE 's/^\{"id":"([^"]+)","name":"([^"]+)".*/is \1 \2/p'
    xargs docker inspect --format '{{.ID}} {{.Slot}} {{.NodeID}}' <<<"$ids" 2>/dev/null
  } | awk '$1 == "is" { name[$2] = $3; next } NF == 3 { print $1, $2, $3 in name ? name[$3] : $3 }'
}
of_task() { # service's id, task, number, node, options of docker: lines as above, each with its time before it
  "${bounded[@]}" docker service logs --raw --timestamps "${@:5}" "$2" 2>&1 | masked given_to "$1" | behind "$3@$4"
}
behind() { # who writes
  local interactive=()
  case $(awk -W version 2>&1 </dev/null) in mawk*) interactive=(-W interactive) ;; esac
  awk "${interactive[@]}" -v who="$1" '
    $1 ~ /^[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z$/ { at = $1; print at, who, substr($0, length(at) + 2); fflush(); next }
    /is not available$/ { $0 = "(its node does not answer, so what it has written is not to be had)" }
    NF { print "-", who, $0; fflush() }'
}
shown() { # as they are shown
  local interactive=()
  case $(awk -W version 2>&1 </dev/null) in mawk*) interactive=(-W interactive) ;; esac
  awk "${interactive[@]}" -v mark="$mark" -v stamps="$stamps" '{
    at = $1; who = $2; said = substr($0, length(at) + length(who) + 3)
    if (stamps == "yes") print (at == "-" ? "" : at " ") mark " " who " " said; else print who " | " said
    fflush() }'
}
written() {
  local id task slot node each=$tail options=() bounded=(timeout 20)
  id=$(unit "$container") || return
  if [ -z "$id" ]; then written_by_container; return; fi
  [ -z "$since" ] || options+=(--since "$since")
  [ -z "$text" ] || each=all
  while read -r task slot node; do
    # shellcheck disable=SC2154 # of lib/workspace.sh, which ops/logs.sh has
    of_task "$id" "$task" "$slot" "$node" --tail "$each" "${options[@]}" >"$work/$task" &
  done < <(tasks_by_node "$id")
  wait
  # shellcheck disable=SC2002 # of no task, there is no file
  cat "$work"/* 2>/dev/null | LC_ALL=C sort -s -k1,1 | { if [ -n "$text" ]; then grep -aF -e "$text"; else cat; fi; } |
    { if [ "$tail" = all ]; then cat; else tail -n "$tail"; fi; } | shown
}
unfollow() { # each with all that it has begun
  local each
  for each in $(jobs -p); do kill -TERM -- "-$each" 2>/dev/null; done
}
followed() { # the tasks that there are, and those that come, also of the release that takes the name
  local id='' next task slot node options=() waited=0 bounded=()
  local -A known=()
  trap 'unfollow; exit 0' TERM
  next=$(unit "$container") || return
  if [ -z "$next" ]; then follow_container; return; fi
  set -m # a process group for each
  [ -z "$since" ] || options=(--since "$since")
  options+=(--tail "$tail")
  while :; do
    if [ -n "$next" ]; then
      [ -z "$id" ] || [ "$id" = "$next" ] || echo "$container was replaced; following the new release." >&2
      id=$next waited=0
      while read -r task slot node; do
        [ -z "${known[$task]-}" ] || continue
        known[$task]=yes
        of_task "$id" "$task" "$slot" "$node" --follow "${options[@]}" | shown &
      done < <(tasks_by_node "$id" 2>/dev/null)
      options=()
    elif [ "$((waited += 1))" -gt 30 ]; then
      echo "$container does not run any more." >&2
      unfollow
      return
    fi
    sleep 1
    next=$(unit "$container") || next=$id
  done
}
