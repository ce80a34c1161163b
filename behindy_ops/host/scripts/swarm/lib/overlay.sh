# Compose knows of the project's own network alone, so what it has made is connected to the other one after that.
on_overlay() {
  local name service networks aliases
  beside "$1" "$2" "$3" | while read -r name service networks; do
    [[ " $networks " != *" $2-swarm "* ]] || continue
    echo "connecting $name to $2-swarm"
    aliases=(--alias "$service" --alias "$name")
    [ "$name" != "$3" ] || aliases+=(--alias "edge-$(own_node)") # by which the other edges ask it
    docker network connect "${aliases[@]}" "$2-swarm" "$name" || return
  done
}
