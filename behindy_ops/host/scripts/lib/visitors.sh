visitors() { # where the domain leads, asked on this host, and the IPv6 addresses of nginx's container. The script sets `domain` and `nginx`.
  # A host without IPv6 is not shown such addresses unless it asks so; an older getent has no option for that.
  { timeout 5 getent --no-addrconfig ahosts "$domain" 2>/dev/null || timeout 5 getent ahosts "$domain" 2>/dev/null; } |
    awk '!seen[$1]++ { print "leads", $1 }'
  docker container inspect --format '{{range .NetworkSettings.Networks}}{{with .GlobalIPv6Address}}ipv6 {{.}}{{"\n"}}{{end}}{{end}}' \
    "$nginx" 2>/dev/null || true
  ipv6_rules
}
ipv6_rules() { # what the engine lacks to lead visitors by IPv6 to nginx itself: it has firewall rules for IPv6 since version 27,
  # before that if it is told so, and it reads that only when it starts. Without them its proxy hands visitors on.
  local daemon=/etc/docker/daemon.json told='' major
  major=$(timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null | sed -n 's/^\([0-9]*\)\..*/\1/p')
  [ -n "$major" ] || return 0
  if [ -r "$daemon" ]; then told=$(cat "$daemon"); elif [ -e "$daemon" ] || { [ -d "${daemon%/*}" ] && [ ! -x "${daemon%/*}" ]; }; then
    told=$(sudo -n sh -c 'cat "$1" 2>/dev/null || :' sh "$daemon" 2>/dev/null) || return 0 # not known
  fi
  if grep -qE '"ip6tables"[[:space:]]*:[[:space:]]*true' <<<"$told"; then
    if [ "$major" -lt 27 ] && [ "$daemon" -nt /var/run/docker.pid ]; then echo "lacks restart"; fi
  elif [ "$major" -lt 27 ] || grep -qE '"ip6tables"[[:space:]]*:[[:space:]]*false' <<<"$told"; then echo "lacks rules"; fi
}
public_ipv6() { # the host's first address of 2000::/3
  sed -n '/^[23]/{s/ .*//;s/..../&:/g;s/:$//;p;q;}' /proc/net/if_inet6 2>/dev/null
}
