# Connects containers: after the network, each one's name and its aliases in one word, separated by commas, or "-". One
# that is connected already is success. Prints what became of each.
network=$1 code=0
shift
while [ "$#" -gt 1 ]; do
  options=()
  IFS=, read -ra aliases <<<"$2"
  for alias in "${aliases[@]}"; do [ "$alias" = - ] || options+=(--alias "$alias"); done
  out=$(docker network connect "${options[@]}" "$network" "$1" 2>&1)
  case $?$out in
  0* | *"already exists in network"*) echo "connected $1" ;;
  *) echo "failed $1 $(head -n 1 <<<"$out")"; code=1 ;;
  esac
  shift 2
done
exit "$code"
