# Postgres, asked within its own container, as its own user over its own socket: no password is on any command line.
read -rd '' postgres_sh <<'SH'
export PGPASSWORD="${POSTGRES_PASSWORD-}" PGUSER="${POSTGRES_USER:-postgres}"
export PGDATABASE="${POSTGRES_DB:-$PGUSER}"
# Relations and whatever else somebody may have made.
objects="select count(*) from (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    union all select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    union all select oid from pg_largeobject_metadata
    union all select oid from pg_extension where extname <> 'plpgsql') made"
ask() { psql -XAtq -v ON_ERROR_STOP=1 -v "old=$PGDATABASE" -v "new=${PGDATABASE}_restoring" "$@"; }
SH
in_postgres() { # container, shell text, its arguments
  docker exec -i "$1" sh -c "$postgres_sh
$2" postgres "${@:3}"
}
