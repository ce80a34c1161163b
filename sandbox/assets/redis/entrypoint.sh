#!/bin/sh
# Redis needs no root: drops it, then becomes the command.
set -eu
case ${1:-redis-server} in
    -*) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown redis: /data
    exec setpriv --reuid=redis --regid=redis --init-groups "$@"
fi
exec "$@"
