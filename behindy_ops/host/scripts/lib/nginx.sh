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
SH
in_nginx() { # container, shell text, its arguments
  docker exec -u 0 "$1" sh -c "$nginx_sh
$2" nginx "${@:3}"
}
nginx_runs() { [ "$(docker container inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }
