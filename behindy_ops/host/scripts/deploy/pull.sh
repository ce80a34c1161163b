# lib: workspace login
# Pulls an image, the user's token on stdin, then describes it. Docker tells of bytes only on a terminal, which `script`
# gives it; a host without that hears of layers alone. What went wrong is on stderr, as ever.
reference=$1 template=$4
login "$2" "$3"
told() { # what docker shows on a terminal, as lines: of what is under way one a second, `progress` and each layer's id and
  # bytes. False once nobody listens any more: docker itself would notice
  local line id each now then='' moves=$'\e''\[[0-9]*[A-Za-z]'
  local -A bytes=()
  while IFS= read -r -d $'\r' line || [ -n "$line" ]; do
    while [[ $line =~ $moves ]]; do line=${line/"${BASH_REMATCH[0]}"/}; done
    line=${line//$'\n'/}
    line=${line%"${line##*[! ]}"} id=${line%%:*}
    case $line in
      '' | *': Extracting '*) continue ;;
      *': Downloading '*)
        line=${line##*Downloading } line=${line##*]}
        read -r each _ <<<"$line"
        bytes[$id]=$each
        printf -v now '%(%s)T' -1
        [ "$now" != "$then" ] || continue
        then=$now line=progress
        for each in "${!bytes[@]}"; do line+=" $each ${bytes[$each]}"; done
        ;;
      *': Verifying Checksum' | *': Download complete') [ -z "${bytes[$id]:-}" ] || bytes[$id]=${bytes[$id]##*/}/${bytes[$id]##*/} ;;
    esac
    printf '%s\n' "$line" || return
  done
}
export reference
terminal() { SHELL=/bin/sh exec script -qefc "$1" /dev/null </dev/null 3>&2; }
if (terminal true) >/dev/null 2>&1; then
  mkfifo "$work/said" || exit 77
  terminal 'exec docker pull "$reference" 2>&3' >"$work/said" &
  pull=$!
  trap '' PIPE
  told <"$work/said" || kill "$pull"
  wait "$pull" || exit 67
else
  docker pull "$reference" || exit 67
fi
printf 'image '
docker image inspect --format "$template" "$reference"
