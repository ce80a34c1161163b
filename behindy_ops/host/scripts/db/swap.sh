# $1 container of Postgres, $2 what the database in use is called afterwards, or "" to drop it (it was empty). Gives its name
# to the one that db/fill.sh has filled. Both renames are one transaction: nothing can stop between them. Connections to the
# old one are ended, a pool makes new ones; one that slips in before the rename makes it fail, and it is tried again.
container=$1 kept=$2
inside=$(
  cat <<'SH'
export PGPASSWORD="${POSTGRES_PASSWORD-}" PGUSER="${POSTGRES_USER:-postgres}"
old=${POSTGRES_DB:-$PGUSER} new=${POSTGRES_DB:-$PGUSER}_restoring away=${1:-${POSTGRES_DB:-$PGUSER}_emptied}
ask() { psql -XAtq -v ON_ERROR_STOP=1 -v "old=$old" -v "new=$new" -v "away=$away" -d postgres; }
for _ in 1 2 3 4 5 6; do
  ask <<'SQL' && break
select count(pg_terminate_backend(pid)) from pg_stat_activity where datname in (:'old', :'new');
begin;
alter database :"old" rename to :"away";
alter database :"new" rename to :"old";
commit;
SQL
  false
done || exit 90
[ -n "$1" ] || echo 'drop database :"away" with (force);' | ask
SH
)
docker exec "$container" sh -c "$inside" swap "$kept"
