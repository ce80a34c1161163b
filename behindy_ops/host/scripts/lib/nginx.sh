# The nginx that runs, asked within its container: with the file it was started with, whichever that is.
read -rd '' nginx_sh <<'SH'
itself() {
  file= last=
  for word in $(tr "\000" " " </proc/1/cmdline); do
    [ "$last" != -c ] || file=$word
    last=$word
  done
  nginx ${file:+-c "$file"} "$@"
}
workers() {
  for each in /proc/[0-9]*; do
    case $(tr "\000" " " 2>/dev/null <"$each/cmdline") in
    *"shutting down"*) ;;
    "nginx: worker process"*) echo "${each#/proc/}" ;;
    esac
  done
}
reload() { # it is done when workers of its own are there
  before=" $(workers | tr "\n" " ")"
  itself -t -q || exit 63
  itself -s reload || exit 72
  for try in $(seq 100); do
    for worker in $(workers); do
      case $before in *" $worker "*) ;; *) return 0 ;; esac
    done
    sleep 0.1
  done
  echo "nginx did not start new workers within 10 s" >&2
  exit 72
}
serves_the_file() { # domain: whether its certificate on disk is the one that is served; says which is, if not
  local wanted served
  wanted=$(openssl x509 -noout -serial -in "/etc/letsencrypt/live/$1/fullchain.pem")
  served=$(openssl s_client -connect 127.0.0.1:443 -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null)
  [ "$served" = "$wanted" ] || { echo "nginx serves ${served:-none}, not $wanted" && return 1; }
}
token() { # domain, the host's directory as `stat -Lc %d:%i` has it. stdin: the header, if it is whole. Says whether what nginx
  # has loaded knows the token, or what keeps it from that; nothing where this is not known. No path of nginx's shows more.
  [ -d /etc/nginx/rehearsal ] || return 0
  header=$(cat)
  answer=$(printf "%s\n" "${header:-X-Behindy-Rehearsal: none}" |
    curl -sk --http1.1 -m 3 --resolve "$1:443:127.0.0.1" -o /dev/null -D - -H @- "https://$1/health" 2>/dev/null)
  case $answer in
  *X-Behindy-Candidate:\ -green*) echo "token loaded" ;;
  "HTTP/1.1 200"*)
    if [ "$(stat -Lc %d:%i /etc/nginx/rehearsal)" != "$2" ]; then echo "token unmounted"
    elif [ -z "$header" ]; then echo "token missing"
    else echo "token unloaded"; fi
    ;;
  esac
}
SH
in_nginx() { # container, shell text, its arguments
  docker exec -u 0 "$1" sh -c "$nginx_sh
$2" nginx "${@:3}"
}
in_nginx_with_token() { # host directory, domain, container, shell text: `token "$1" "$2"` may be in it. The token goes by stdin.
  local dir=$1 domain=$2 code
  timeout 30 docker exec -i -u 0 "$3" sh -c "$nginx_sh
$4" nginx "$domain" "$(stat -Lc %d:%i "$dir/rehearsal" 2>/dev/null)" < <(whole_header "$dir")
  code=$?
  [ "$code" != 124 ] || echo "nginx could not be looked into within 30 s" >&2
  return "$code"
}
whole_header() { # host directory: the rehearsal's header, if nginx's map has the same token
  local header map
  header=$(cat "$1/rehearsal/header" 2>/dev/null) && map=$(cat "$1/rehearsal/map.conf" 2>/dev/null) || return 1
  case $map in *"\"${header#X-Behindy-Rehearsal: }\""*) printf '%s\n' "$header" ;; *) return 1 ;; esac
}
nginx_runs() { [ "$(docker container inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }
