# Talking to the Docker engine.
now() { # ms since the host booted, so that setting its clock makes no wait longer or shorter
  local up
  read -r up _ </proc/uptime
  echo "$((10#${up/./} * 10))"
}
within() { # moment, ms from now: the sooner of the two; after a reboot, which resets that clock, the second
  local last=$(($(now) + $2))
  echo "$(($1 < last ? $1 : last))"
}
api() { curl -sS -m 20 --unix-socket /var/run/docker.sock "$@"; }
post() { # path, JSON: has the engine do it; false where it did not, and docker tells why when it is asked for the same
  case $(api -m 600 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d "$2" "http://docker/$1" 2>/dev/null) in
  2?? | 304) return 0 ;;
  esac
  return 1
}
restarts() { # container, policy
  post "containers/$1/update" "{\"RestartPolicy\":{\"Name\":\"$2\"}}" || docker update --restart "$2" "$1" >/dev/null
}
listed() { # paths of lists of the engine: the ids in them. False where none is, or not all could be read
  local codes
  api -gf --fail-early "${@/#/http://docker/}" 2>/dev/null | grep -oE '[{,]"Id":"(sha256:)?[0-9a-f]{64}"' | cut -d '"' -f 4
  codes=("${PIPESTATUS[@]}")
  return "$((codes[0] | codes[1]))"
}
readings() { # stdin: ids. For each a line of JSON, the numbers `docker stats` counts with (a quick reading, no wait), and its URL
  local urls=()
  while read -r id; do urls+=("http://docker/containers/$id/stats?stream=false&one-shot=true"); done
  [ "${#urls[@]}" = 0 ] || api -w '%{url_effective}\n' "${urls[@]}"
}
away=60000 # ms that an engine which does not answer is waited for
edges() { :; } # further hosts at which the site is asked: none (swarm/lib/engine.sh)
close_elsewhere() { :; } # service, its page, who passes requests on here: it is closed to visitors there too
open_elsewhere() { :; } # service, directory of names, the same
units() { :; } # template: what else bears names of ours beside containers, as the engine's own library has it (swarm/lib/engine.sh)
inspect() { # container, template. 1: there is none; 2: not known
  inspect_container "$@"
}
inspect_container() { # docs/design.md, "A restarting engine"
  local said end
  end=$(($(now) + away))
  while :; do
    said=$(timeout 10 docker container inspect --format "$2" "$1" 2>&1) && { printf '%s\n' "$said"; return; }
    case $said in *"No such container"*) return 1 ;; esac
    [ "$(now)" -lt "$end" ] || return 2
    sleep 0.2
  done
}
state() { # container, template. Prints `state`, and what docker says, `none` or `unknown`
  local found
  found=$(inspect "$1" "$2")
  case $? in 0) ;; 1) found=none ;; *) found=unknown ;; esac
  echo "state $found"
}
stage() { stage_of_container "$1"; }
stage_of_container() { # what `state` printed: boots (its own health check has come to nothing yet), runs (without one), or ended (either)
  case $1 in
  *'"running":true'*'"health":"starting"'*) echo boots ;;
  *'"running":true'*'"health":""'*) echo runs ;;
  *) echo ended ;;
  esac
}
stop_within() { docker stop -t "$1" "$2"; } # seconds, container
restart_within() { docker restart -t "$1" "$2"; } # likewise
start_again() { docker start "$1"; } # container
ended_within() { timeout "$2" docker wait "$1" >/dev/null 2>&1; } # container, seconds: whether it ended
files_of() { docker cp "$1:$2" -; } # container, path in it: an archive
look() { docker container inspect --format "$2" "$1"; } # container, template: at once, and why not is docker's to say
image_of() { docker container inspect --format '{{.Image}}' "$1"; } # container: its image's id
environment_of() { # container, template of a `NAME=value`, and one of all labels
  local labels=''
  [ -z "${3:-}" ] || labels="{{with .Config.Labels}}$3{{end}}"
  docker container inspect --format "{{range .Config.Env}}$2{{end}}$labels" "$1"
}
container_of() { echo "$1"; } # container: by what name this host's docker runs something in it
running_here() { docker ps --no-trunc --format '{{.ID}} {{.Names}}'; }
configurations() { docker ps -a --format '{{.Names}} {{.Label "behindy.config"}}'; } # of all, by name
releases_in_use() { docker ps -a --format '{{.Label "behindy.release"}} {{.Label "behindy.previous"}} 0-{{.ID}}'; } # and ids
others() { :; } # the names of other machines that run what is deployed
unreached() { :; } # the addresses of machines that should answer for them, and do not
log_of() { docker logs --tail "$1" "$2"; } # lines, container
named_addresses() { timeout 20 docker container inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{end}}' "$1"; } # container
asked_addresses() { echo "$2"; } # name, the addresses that its container was known by
task_addresses() { :; } # name: of each of its tasks that can be asked by itself
name_in_dns() { echo "$1"; } # container
unless_gone() { # a docker command; that what it is about is gone already is success
  local said
  said=$("$@" 2>&1) && return
  case $said in *"No such "* | *"no such "* | *"service "*" not found"* | *"node "*" not found"* | *"network "*" not found"*) return 0 ;; esac
  printf '%s\n' "$said" >&2
  return 1
}
untag() { # stdin: names and ids of images. Removes each as `docker rmi` does, which takes 70 ms to ask for 20 ms of work. Prints
  # what became of each, `removed <image>` or `kept <image> <why>`; that it is gone already is success
  local images image said
  local -A gone=()
  mapfile -t images
  [ "${#images[@]}" -gt 0 ] || return 0
  while read -r image; do gone[$image]=yes; done < <(printf 'url = "http://docker/images/%s"\n' "${images[@]}" |
    api -g -X DELETE -w '\n%{http_code} %{url_effective}\n' -K - 2>/dev/null | sed -nE 's,^(200|404) http://docker/images/,,p')
  for image in "${images[@]}"; do # docker tells why, when it is asked for the same
    if [ -n "${gone[$image]}" ] || said=$(unless_gone docker rmi "$image" 2>&1); then echo "removed $image"
    else echo "kept $image $(head -n 1 <<<"$said")"; fi
  done
}
remove() { remove_container "$1"; } # container
remove_container() { # a release's with its anonymous volumes, which nothing would ever mount again (never a named one). What
  # another's container kept in one may be all there is of it.
  case $(api "http://docker/containers/$1/json" 2>/dev/null) in
  *'"behindy.release":"'[!\"]*) # a key of its labels: in a value, its quotes would be escaped
    case $(api -m 600 -o /dev/null -w '%{http_code}' -X DELETE "http://docker/containers/$1?force=1&v=1" 2>/dev/null) in 204 | 404) return 0 ;; esac
    ;;
  esac
  # shellcheck disable=SC2046 # an option, or none
  unless_gone docker rm -f $(docker container inspect --format '{{if index .Config.Labels "behindy.release"}}-v{{end}}' "$1" 2>/dev/null) "$1"
}
