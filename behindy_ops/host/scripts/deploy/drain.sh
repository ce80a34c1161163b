# lib: engine connections idle
# Waits until a container is idle. `earliest` in ms of the host's uptime; `limit` in seconds from now.
container=$1 port=$2 earliest=$3 limit=$4 needed=$5
until_idle "$container" "$port" "$(within "$earliest" "$((limit * 1000))")" "$(($(now) + limit * 1000))" "$needed" ''
