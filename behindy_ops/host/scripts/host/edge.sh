# lib: workspace engine nginx certs_shared
# What makes a node an edge: docs/design.md, "Several edges". $1 what to do, then its arguments; each part may be run again.
what=$1
shift
brought() { # the files of this directory that an edge has as the first host has them
  find compose nginx rehearsal .env -name versions -prune -o -type f -print 2>/dev/null | LC_ALL=C sort
}
names() { # here: what leads nginx, which is the login's
  mkdir -p assets/.names/ids && chmod 755 assets assets/.names assets/.names/ids
}
case $what in
look) # directory, nginx's container, project, the network of all nodes
  case $1 in /*) echo "directory $1" ;; *) echo "directory $HOME/$1" ;; esac
  echo "files $(cd "$1" 2>/dev/null && brought | xargs -rd '\n' sha256sum | sha256sum | cut -d ' ' -f 1)"
  status=$(docker container inspect --format '{{.State.Status}}' "$2" 2>/dev/null) || status=none
  echo "nginx $status"
  echo "aliases $(docker container inspect --format "{{with index .NetworkSettings.Networks \"$4\"}}{{range .Aliases}}{{.}} {{end}}{{end}}" "$2" 2>/dev/null)"
  echo "keeper $(docker service inspect --format '{{index .Spec.Labels "behindy.version"}}' "$3-edge" 2>/dev/null)"
  echo "image $(docker container inspect --format '{{.Config.Image}}' "$2" 2>/dev/null)"
  if shared=$(shared_certificates "$3"); then
    [ "$shared" = "$(certificates_name "$3" "$2" 2>/dev/null)" ] || echo 'certificates others'
  fi
  ;;
pack) cd "$1" && brought | tar -c --no-recursion -T - | base64 -w 0 ;; # directory
unpack) # directory, nginx's container. stdin: what `pack` has printed. What is there else goes, and nginx loads the rest
  umask 077
  mkdir -p "$1" && cd "$1" || exit 77
  mkdir "$work/new" && base64 -d | tar -x -p -C "$work/new" || exit 1
  names || exit 77
  for each in compose nginx rehearsal; do # each file by its own: a directory that is mounted stays the same one
    mkdir -p "$each"
    (cd "$work/new/$each" && find . -type d -print0) | (cd "$each" && xargs -0r mkdir -p) || exit 77
    comm -13 <(cd "$work/new/$each" && find . -type f | sort) <(brought | sed -n "s,^$each/,./,p" | sort) |
      (cd "$each" && xargs -rd '\n' rm -f)
  done
  chmod 755 compose nginx
  (cd "$work/new" && find . -type f -print0) | xargs -0r -I '{}' sh -c 'cp -p "$1/$2" "$2.new" && mv -f "$2.new" "$2"' copy "$work/new" '{}' || exit 77
  if nginx_runs "$2"; then in_nginx "$2" reload; fi
  ;;
prepare) # nginx's image: it, and what only root may make, by a container
  docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null || exit 67
  docker run --rm --network none -v /etc/letsencrypt:/etc/letsencrypt -v /var/www/certbot:/var/www/certbot --entrypoint true "$1"
  ;;
keeper) # project, directory, nginx's container, its image, version. stdin: swarm/edge.sh, which runs on each edge from then on
  config=$1-edge-$5 directory=$(cd "$2" && names && pwd) || exit 77
  docker config inspect "$config" >/dev/null 2>&1 || docker config create --label "behindy.project=$1" "$config" - >/dev/null || exit 1
  certificates=$(certificates_secret "$1" "$3") && unless_gone docker service rm "$1-edge" >/dev/null || exit 1
  docker service create --quiet --detach --name "$1-edge" --mode global --constraint node.labels.behindy.edge==true \
    --no-resolve-image --with-registry-auth --user 0 --limit-memory 64M --restart-delay 1s --label "behindy.version=$5" --label "behindy.project=$1" \
    --mount type=bind,src=/var/run/docker.sock,dst=/var/run/docker.sock --mount "type=bind,src=$directory/assets,dst=/assets" \
    --mount type=bind,src=/etc/letsencrypt,dst=/letsencrypt --config "source=$config,target=/edge.sh,mode=0444" \
    --secret "source=$certificates,target=certificates,mode=0400" \
    --entrypoint sh "$4" /edge.sh "$directory/assets/.names" "$3" >/dev/null || exit 1
  docker config ls --format '{{.Name}}' --filter "label=behindy.project=$1" | grep "^$1-edge-" | grep -vxF "$config" | xargs -r docker config rm >/dev/null 2>&1
  exit 0
  ;;
certificates) share_certificates "$1" "$2" ;; # project, nginx's container
kept) # directory, seconds: waits until the one that keeps it in step has written what it did
  end=$(($(now) + $2 * 1000))
  until grep -qx 'certificates' "$1/assets/.names/.edge" 2>/dev/null; do
    [ "$(now)" -lt "$end" ] || { echo 'the task of the swarm that keeps this edge in step does not run' >&2 && exit 1; }
    sleep 0.2
  done
  ;;
follows) # node's id, nginx's container, seconds: waits until that edge answers
  end=$(($(now) + $3 * 1000))
  until docker exec "$2" curl -sf -o /dev/null -m 2 "http://edge-$1:8404/names"; do
    [ "$(now)" -lt "$end" ] || { echo "nginx there does not answer on the network of all nodes" >&2 && exit 1; }
    sleep 0.2
  done
  ;;
end) # nginx's container: it takes nothing new, ends what it has begun, a minute at most, and goes
  docker update --restart no "$1" >/dev/null 2>&1
  docker kill --signal QUIT "$1" >/dev/null 2>&1 && timeout 60 docker wait "$1" >/dev/null
  unless_gone docker rm -f "$1"
  ;;
unlabel) docker node update --label-rm behindy.edge "$1" >/dev/null ;; # node
forget) # project: there is one edge again
  unless_gone docker service rm "$1-edge" >/dev/null
  docker config ls -q --filter "label=behindy.project=$1" | xargs -r docker config rm >/dev/null 2>&1
  docker secret ls -q --filter "label=behindy.project=$1" --filter "name=$1-certificates-" | xargs -r docker secret rm >/dev/null 2>&1
  exit 0
  ;;
esac
