# lib: postgres
# Gives the name of the database in use to the one that db/fill.sh has filled; the former is then called `kept`, or
# dropped for "" (it was empty). Both renames are one transaction: nothing can stop between them. Connections to the old
# one are ended, a pool makes new ones; one that slips in before the rename makes it fail, and it is tried again.
container=$1 kept=$2
read -rd '' inside <<'SH'
away=${1:-${PGDATABASE}_emptied}
for _ in 1 2 3 4 5 6; do
  ask -v "away=$away" -d postgres <<'SQL' && break
select count(pg_terminate_backend(pid)) from pg_stat_activity where datname in (:'old', :'new');
begin;
alter database :"old" rename to :"away";
alter database :"new" rename to :"old";
commit;
SQL
  false
done || exit 90
[ -n "$1" ] || echo 'drop database :"away" with (force);' | ask -v "away=$away" -d postgres
SH
in_postgres "$container" "$inside" "$kept" </dev/null
