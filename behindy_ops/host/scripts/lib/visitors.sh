visitors() { # where the domain leads, asked on this host, and the IPv6 addresses of nginx's container. The script sets `domain`.
  # A host without IPv6 is not shown such addresses unless it asks so; an older getent has no option for that.
  { timeout 5 getent --no-addrconfig ahosts "$domain" 2>/dev/null || timeout 5 getent ahosts "$domain" 2>/dev/null; } |
    awk '!seen[$1]++ { print "leads", $1 }'
  docker container inspect --format '{{range .NetworkSettings.Networks}}{{with .GlobalIPv6Address}}ipv6 {{.}}{{"\n"}}{{end}}{{end}}' \
    nginx 2>/dev/null || true
}
