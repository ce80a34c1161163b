# lib: engine
# Prints the layers of each image that begins with the layer $1: `layers`, their diff ids from the bottom, `|` and its tags.
ids=$(listed images/json || docker images -q --no-trunc) || exit 82
[ -n "$ids" ] || exit 0
# An image may go between the list and the look; one that is not seen only makes more to send.
sort -u <<<"$ids" | xargs docker image inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}| {{range .RepoTags}}{{.}} {{end}}' 2>/dev/null |
  grep "^$1" | sort -u | sed 's/^/layers /'
exit 0
