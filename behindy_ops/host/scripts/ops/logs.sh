# lib: workspace client engine masked logs
# `tail`: lines, or all; `since`, `text`: or ""; `stamps`: yes for a time before each line. With a text, the last lines
# that hold it. 61 without such a container.
mark=$1 container=$2 tail=$3 since=$4 text=$5 stamps=$6
container_or_exit "$mark" "$container" '{{.Id}}'
written
exit 0
