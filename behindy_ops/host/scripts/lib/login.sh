# A login to a registry for this run alone, kept in its workspace: no token stays on the host.
# The token is on stdin: docs/design.md, "Secrets on standard input".
login() { # registry, user or "" for none
  [ -n "$2" ] || return 0
  export DOCKER_CONFIG=$work/login
  docker login --username "$2" --password-stdin "$1" >/dev/null || exit 41
}
