# lib: workspace sections engine client
# Prints one frame after the other (0 for no end), `pause` seconds between them, each ended by a line `<boundary> end`;
# ends with its standard input too.
frames=$1 pause=$2
moment() { date +%s.%N; }
meminfo() { grep -E '^(Mem|Swap|Buffers|Cached|SReclaimable)' /proc/meminfo; }
containers() { # each running one by id and name, then the readings of all
  local listed
  listed=$(running_here) || return
  [ -z "$listed" ] || { awk '{ print "container", $0 }' <<<"$listed"; cut -d' ' -f1 <<<"$listed" | readings; }
}
stream() {
  local made=0
  while :; do
    report moment meminfo containers others
    made=$((made + 1))
    [ "$made" -ne "$frames" ] || return 0
    sleep "$pause"
  done
}
if [ "$frames" = 0 ]; then while_heard stream; else stream; fi
