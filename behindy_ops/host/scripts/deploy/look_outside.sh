# lib: workspace engine public page
# One attempt from outside: every URL must answer, and go on answering until `settled` (ms of the host's uptime, +ms from now, or 0): until
# then nginx may still ask the previous release. It also lets that one answer while the live one refuses connections, so
# the live one is asked itself as well, by its name and a URL inside nginx (both or neither ""). `header`: a file, or
# ""; `window` to look and `pause` between looks in seconds. Before the URLs `at=<address>`, where that is asked for them;
# `mine=<addresses>`: nginx is asked who answered, by the same header, and that it was one of those settles it sooner;
# `status=` those that are well, with a space around each, instead of 200 to 399; `body=` what an answer has to contain.
# `replica=<number>`: of several containers of the service, the one that whoever has the header is answered by.
# `of=<name>`: the candidate; where each of its tasks can be asked by its address, whoever has the header does.
# `token=<file>`: the same header, by which the live release is asked past a service that is closed for maintenance; where
# that leads nowhere either, being closed is an answer, and only the look inside tells.
# Where nginx answers on several hosts, each is asked, and a look says `at=<address>`.
# In a rehearsal (a header, and no `mine`) the static files that its page names (scripts and styles, then icons and
# the manifest) are asked for as well.
header=$1 window=$2 pause=$3 settled=$4 nginx=$5 name=$6 inside=$7 at='' mine='' expected='' body='' token='' of='' tasks=() replica=()
shift 7
case $1 in at=*) at=${1#at=} && shift ;; esac
case $1 in mine=*) mine=${1#mine=} && shift ;; esac
case $1 in status=*) expected=${1#status=} && shift ;; esac
case $1 in body=*) body=${1#body=} && shift ;; esac
case $1 in replica=*) replica=(-H "X-Behindy-Replica: ${1#replica=}") && shift ;; esac
case $1 in of=*) of=${1#of=} && shift ;; esac
case $1 in token=*) token=${1#token=} && shift ;; esac
secret=() past=() places=()
further=$(edges) || { [ -n "$header" ] && [ -z "$mine" ] && echo unknown && exit 0; } # a rehearsal leaves none of them out
[ -z "$mine" ] || mine=$(asked_addresses "$name" "$mine")
[ -z "$of" ] || mapfile -t tasks < <(task_addresses "$of")
[ "${#tasks[@]}" != 0 ] || tasks=('')
[ -z "$further" ] || mapfile -t places < <(cut -d ' ' -f 2 <<<"$further")
own=$at
[ "${#places[@]}" = 0 ] || places+=(127.0.0.1)
places+=("$own")
if [ -n "$token" ] && sed 's/: /: live /' "$token" >"$work/token" 2>/dev/null; then past=(-H "@$work/token" "${replica[@]}"); fi
if [ -n "$mine" ]; then
  if sed 's/: /: live /' "$header" >"$work/header" 2>/dev/null; then secret=(-H "@$work/header" "${replica[@]}"); else mine=; fi
  header=
elif [ -n "$header" ]; then secret=(-H "@$header" "${replica[@]}"); fi
page=/dev/null
[ -z "$header$body" ] || page=$work/page
ask() { # URL, curl's options
  : >"$page"
  answer=$(public -sS -o "$page" -D - -m "$window" "${@:2}" -w 'code %{http_code}\nmet %{remote_ip}\n' "$1" 2>/dev/null)
  status=$?
  code=$(awk '$1 == "code" {print $2}' <<<"$answer")
}
closed() { [ -z "$header" ] && [ "$code" = 503 ] && grep -qi '^x-behindy-maintenance: on' <<<"$answer"; }
look() { # URL, the word its line begins with
  local lacking='' where=''
  [ "${#places[@]}" = 1 ] || where=" at=$at"
  ask "$1" "${secret[@]}"
  ! closed || [ -z "${past[*]}" ] || ask "$1" "${past[@]}"
  asked=$(awk -F': ' 'tolower($1) == "x-behindy-candidate" {sub(/\r/, "", $2); print $2}' <<<"$answer")
  by=$(awk -F': ' 'tolower($1) == "x-behindy-answered-by" {sub(/\r/, "", $2); sub(/.*[ ,]/, "", $2); sub(/:[0-9]+$/, "", $2); print $2}' <<<"$answer")
  case " $mine " in *" ${by:-?} "*) met=$by ;; esac
  if well && [ -n "$body" ] && ! grep -aqF -e "$body" "$page"; then lacking=' lacking'; fi
  echo "${2:-look} ${code:-000} $status ${asked:-none}$lacking$where"
  ! well || [ -n "$lacking" ] || return 0
  closed && echo closed
}
well() { # whether that status is expected
  case $expected in
  '') case $code in 2?? | 3??) return 0 ;; *) return 1 ;; esac ;;
  *" $code "*) return 0 ;;
  *) return 1 ;;
  esac
}
absent_files() { # URL: those that its page names and that are not there, of ten at most, in some seconds
  local files=() requests=() each=0 got rest=${1#*://}
  local origin=${1%%://*}://${rest%%/*}
  grep -aqi '^content-type: *text/html' <<<"$answer" || return 0
  rest=/${rest#*/}
  rest=${rest%%\?*}
  mapfile -t files < <(head -c 1000000 "$page" | tr '\0' ' ' | named_files "$origin" "${rest%/*}/" | head -n 10)
  [ "${#files[@]}" != 0 ] || return 0
  while [ "$each" -lt "${#files[@]}" ]; do
    requests+=(-o /dev/null "$origin${files[each]#\?}")
    each=$((each + 1))
  done
  each=0
  while read -r got; do
    case $got${files[each]} in 404\?*) echo "unfound ${files[each]#\?}" ;; 404*) echo "missing ${files[each]}" ;; esac
    each=$((each + 1))
  done < <(at_most=8 public -sS -g -m 4 "${secret[@]}" -w '%{http_code}\n' "${requests[@]}" 2>/dev/null)
}
apart() { # URL. Who answered in nginx's place, or where nobody did, and what nginx itself answers, past the name
  case ${code:-000} in 000) ;; *) [ -n "$header" ] && [ -z "$asked" ] || return 0 ;; esac
  awk '$1 == "met" {met = $2} tolower($1) == "server:" {sub(/\r/, ""); who = " " $2} END {print "met " met who}' <<<"$answer"
  [ -z "$at" ] || return 0
  host=${1#*://}
  leads "${host%%/*}"
  at=127.0.0.1 look "$1" near
  return 0
}
whose() { # once it is settled: the addresses of the container that has the name, those that nginx knows, and how it answers
  # Asked for then: an engine that was restarted in between has given out new addresses.
  local job known most=$((2 * ${window%.*} + 10))
  known=$(name_in_dns "$name")
  { until_settled; echo "address $(named_addresses "$name")"; } &
  job=$!
  timeout "$most" docker exec -i "$nginx" sh -c 'read -r go; getent ahosts "$1"
code=$(curl -s -o /dev/null -m "$3" -w "%{http_code}" "$2"); echo "inside $code $?"' look "$known" "${inside/"//$name:"/"//$known:"}" "$window" < <(until_settled; echo) |
    awk '$1 == "inside" {print; next} {seen[$1]} END {printf "names"; for (each in seen) printf " %s", each; print ""}'
  wait "$job"
}
until_settled() { while [ "$(now)" -lt "$settled" ] && ! [ -e "$work/settled" ]; do sleep 0.02; done; }
case $settled in +*) settled=$(($(now) + ${settled#+})) ;; esac
settled=$(within "$settled" "$((${window%.*} * 1000))")
fresh_until=$(($(now) + 500))
[ "$fresh_until" -gt "$((settled + 500))" ] || fresh_until=$((settled + 500))
[ -z "$name" ] || exec 5< <(exec 2>/dev/null; whose) # beside the looks: it takes a while to get inside
end=$(($(now) + ${window%.*} * 1000))
[ "$end" -ge "$settled" ] || end=$((settled + 1000))
waited='' seen=''
while :; do
  good=yes before=$seen unmet=''
  for at in "${places[@]}"; do
    met=''
    for task in "${tasks[@]}"; do
      [ -z "$task" ] || secret=(-H "@$header" -H "X-Behindy-Address: $task")
      for url in "$@"; do look "$url" || { good=no; break 3; }; done
    done
    [ -n "$met" ] || unmet=yes
  done
  moment=$(now)
  # Of several URLs, those before the one that met it may still have been answered by the previous release.
  seen=$met
  [ "$#" = 1 ] || [ -n "$before" ] || met=''
  [ -z "$unmet" ] || met=''
  if [ $good = yes ] && { [ "$moment" -ge "$settled" ] || [ -n "$met" ]; }; then
    : >"$work/settled"
    told="address $met "
    if [ -n "$name" ]; then
      told=
      [ "$moment" -gt "$fresh_until" ] || told=$(cat <&5)
      case $told in *inside*) ;; *) told=$(whose) ;; esac
    fi
    # An engine that was restarted has given another container's address to it: then only time tells.
    case $met-$(grep '^address ' <<<"$told") in -* | *" $met "*)
      [ -z "$name" ] || printf '%s\n' "$told"
      [ -z "$header" ] || [ -z "$asked" ] || absent_files "$url"
      apart "$url"
      echo ok
      exit 0
      ;;
    esac
    rm "$work/settled"
    mine=
  fi
  if [ "$moment" -ge "$end" ]; then
    # An engine that is away took nginx along, which says nothing about a release: it is waited for, once.
    inspect "$nginx" '{{.Id}}' >/dev/null
    [ "$?" != 2 ] || { echo unknown; exit 0; }
    [ "$(($(now) - moment))" -ge 3000 ] && [ -z "$waited" ] || { apart "$url" && exit 0; }
    waited=yes end=$(($(now) + 30000)) # what it starts needs its time too
  fi
  left=$((settled - moment))
  if [ "$left" -gt 0 ] && [ "$left" -lt 200 ]; then sleep "0.$(printf %03d "$left")"; else sleep "$pause"; fi
done
