# Postgres, asked within its own container, as its own user over its own socket: no password is on any command line.
read -rd '' postgres_sh <<'SH'
export PGPASSWORD="${POSTGRES_PASSWORD-}" PGUSER="${POSTGRES_USER:-postgres}"
export PGDATABASE="${POSTGRES_DB:-$PGUSER}"
ask() { psql -XAtq -v ON_ERROR_STOP=1 -v "old=$PGDATABASE" -v "new=${PGDATABASE}_restoring" "$@"; }
SH
in_postgres() { # container, shell text, its arguments
  docker exec -i "$1" sh -c "$postgres_sh
$2" postgres "${@:3}"
}
