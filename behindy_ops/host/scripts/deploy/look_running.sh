# lib: engine
# Sees whether a container that nobody asks is well: ends when its own health check has come to something, or has not
# within `most` seconds; when it has run for `steady` seconds, if it has none; or when it ends. Prints its state.
container=$1 steady=$2 most=$3 template=$4
begun=$(now) ran=''
while :; do
  seen=$(state "$container" "$template")
  case $(stage "$seen") in
  boots) left=$((begun + most * 1000 - $(now))) pause=300 ran='' ;;
  runs) ran=${ran:-$(now)} && left=$((ran + steady * 1000 - $(now))) pause=$left ;;
  *) break ;;
  esac
  [ "$left" -gt 0 ] || break
  [ "$pause" -lt "$left" ] || pause=$left
  ended_within "$container" "$((pause / 1000)).$(printf '%03d' $((pause % 1000)))"
  # Ended by itself: either the container has, or its engine, which `state` waits for.
done
printf '%s\n' "$seen"
