# Loads an image: its archive is on stdin, without the layers that the engine knows (docs/design.md, "Images without a
# registry"). Then describes it by $2, a name that no other image can have. It ends with the lease, $1 is the directory of
# that: a client that has vanished without a word would keep everybody else waiting.
state=$1 reference=$2 template=$3
held=$(cat "$state/lock.json")
docker load >&2 <&0 &
loading=$!
while kill -0 "$loading" && sleep 1; do [ "$(cat "$state/lock.json")" = "$held" ] || kill "$loading"; done \
  </dev/null >/dev/null 2>&1 7>&- 8>&- &
wait "$loading" || exit 1
printf 'image '
docker image inspect --format "$template" "$reference"
