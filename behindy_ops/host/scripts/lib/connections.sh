# Who is connected to a container. Its network namespace is read from the host, so that it needs no shell in the image;
# files under /proc/<pid>/net are readable without being root. What runs on other machines is looked at from the side of
# who asks it, `<pid>@<address>,<address>`: all connections of that process to these.
connections() { connections_here "$@"; } # pid, port: how many established ones it has there
connections_here() {
  local whom=''
  case $1 in *@*) whom=$(tr , '\n' <<<"${1#*@}" | awk -F . 'NF == 4 {printf " %02X%02X%02X%02X", $4, $3, $2, $1}') ;; esac
  cat "/proc/${1%@*}/net/tcp" "/proc/${1%@*}/net/tcp6" 2>/dev/null |
    awk -v port=":$(printf '%04X' "$2")" -v whom="$whom " '
      function ends(place) { return substr(place, length(place) - 4) == port }
      function asked(place) { return index(whom, " " substr(place, length(place) - 12, 8) " ") }
      $4 != "01" { next }
      whom == " " ? ends($2) : ends($3) && asked($3) {n++}
      END {print n + 0}'
}
visible() { [ -r "/proc/${1%@*}/net/tcp" ]; } # pid: not on a host with hidepid
