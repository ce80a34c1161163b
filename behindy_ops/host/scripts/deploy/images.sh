# lib: workspace sections engine data
# Of a node: which images of some repositories it has, which of its containers use, and how much room there is. `image` is a
# template; the repositories follow.
template=$1
shift
repositories=("$@")
images() {
  local repository ids
  ids=$(for repository in "${repositories[@]}"; do docker images -q --no-trunc "$repository" || exit; done) || return
  [ -z "$ids" ] || sort -u <<<"$ids" | xargs docker image inspect --format "$template"
}
used() {
  local ids
  ids=$(docker ps -aq --no-trunc) || return
  [ -z "$ids" ] || xargs docker container inspect --format '{{.Image}}' <<<"$ids" || true # one may be gone by now
}
room() { fullest "$(described_engine)" | awk '{ print "size", $1; print "free", $2 }'; }
report images used room
