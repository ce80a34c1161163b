#!/bin/sh
# Makes the data directory at the first start, then becomes the command.
set -eu
case ${1:-postgres} in
    postgres) ;;
    -*) set -- postgres "$@" ;;
    *) exec "$@" ;;
esac
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown postgres: "$PGDATA" /run/postgresql
    chmod 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
# PG_VERSION comes last: a start that was killed half-way begins again.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    new=$PGDATA/new
    find "$PGDATA" -mindepth 1 -delete
    printf '%s\n' "${POSTGRES_PASSWORD:?must be set}" >"/tmp/password"
    initdb -D "$new" --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >/tmp/initdb.log || { cat /tmp/initdb.log >&2; exit 1; }
    rm -f /tmp/password
    echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
    printf "listen_addresses = '*'\njit = off\n" >>"$new/postgresql.conf"
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE "%s"\n' "$(printf %s "$database" | sed 's/"/""/g')" \
            | postgres --single -D "$new" postgres >/dev/null
    fi
    find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$new/PG_VERSION" "$PGDATA/"
    rmdir "$new"
fi
# A container that was killed leaves this behind; the process it names is another one now.
rm -f "$PGDATA/postmaster.pid"
exec "$@"
