# $1 image, $2 registry, $3 user or "", $4 image template; the user's token on stdin. Pulls the image, then describes
# it. The login lives in a directory of its own, in memory: docs/design.md, "Secrets on standard input".
reference=$1 registry=$2 user=$3 template=$4
if [ -n "$user" ]; then
  umask 077
  DOCKER_CONFIG=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
  export DOCKER_CONFIG
  trap 'rm -rf "$DOCKER_CONFIG"' EXIT
  docker login --username "$user" --password-stdin "$registry" >/dev/null || exit 41
fi
docker pull "$reference" || exit 67
printf 'image '
docker image inspect --format "$template" "$reference"
