# lib: postgres
# Gives the name of the database in use to the one that db/fill.sh has filled; the former is then called `kept`, and is
# dropped if it holds nothing by then and `what` is if-used. Both renames are one transaction: nothing can stop
# between them. Connections to the old one are ended, a pool makes new ones; one that slips in before the rename makes it
# fail, and it is tried again. Prints `dropped` when the old one was not kept: nobody can write to it any more when it is
# judged.
container=$1 kept=$2 what=$3
read -rd '' inside <<'SH'
away=$1
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
if [ "$2" = if-used ] && [ "$(ask -d "$away" -c "$objects")" = 0 ]; then
  echo 'drop database :"away" with (force);' | ask -v "away=$away" -d postgres && echo dropped
fi
SH
in_postgres "$container" "$inside" "$kept" "$what" </dev/null
