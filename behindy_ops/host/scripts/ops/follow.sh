# lib: client engine masked logs
# As ops/logs.sh, and goes on with what comes, also in the container that takes the name after a deploy. With a text, the
# last lines are looked through for it. Ends with its standard input, or when there is nothing left to follow.
mark=$1 container=$2 tail=$3 since=$4 text=$5 stamps=$6
container_or_exit "$mark" "$container" '{{.Id}}'
chosen() { if [ -n "$text" ]; then grep -aF --line-buffered -e "$text"; else cat; fi; }
while_heard followed > >(chosen)
exit 0
