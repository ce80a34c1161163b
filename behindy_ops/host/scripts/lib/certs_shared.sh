# Where a swarm has several edges, each gets the certificates that this host has, as a secret of the swarm (swarm/edge.sh).
certificates_name() { # project, nginx's container: under which the swarm knows them, or is to
  local public
  public=$(docker exec -u 0 "$2" sh -c 'cat /etc/letsencrypt/live/*/fullchain.pem') && [ -n "$public" ] && # which anybody may see
    echo "$1-certificates-$(sha256sum <<<"$public" | cut -c 1-16)"
}
shared_certificates() { # project: under which name the edges have them; false where there is one edge
  docker service inspect --format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}}{{end}}' "$1-edge" 2>/dev/null
}
certificates_secret() { # project, nginx's container: has the swarm know them, and prints under which name
  local name
  name=$(certificates_name "$1" "$2") ||
    { echo "nginx's certificates could not be read, so the other edges do not get them" >&2; return 1; }
  if ! docker secret inspect "$name" >/dev/null 2>&1; then
    docker exec -u 0 "$2" sh -c 'cd /etc/letsencrypt && tar -chf - live/*/fullchain.pem live/*/privkey.pem' |
      docker secret create --label "behindy.project=$1" "$name" - >/dev/null || return
  fi
  echo "$name"
}
share_certificates() { # project, nginx's container
  local name current
  current=$(shared_certificates "$1") || return 0
  name=$(certificates_secret "$1" "$2") || return
  [ "$current" != "$name" ] || return 0
  # shellcheck disable=SC2086 # an option and its value, or none
  docker service update --quiet --detach ${current:+--secret-rm $current} --secret-add "source=$name,target=certificates,mode=0400" "$1-edge" >/dev/null || return
  docker secret ls --format '{{.Name}}' --filter "label=behindy.project=$1" --filter "name=$1-certificates-" | grep -vxF "$name" |
    xargs -r docker secret rm >/dev/null 2>&1 || true # one that is still in use goes the next time
}
