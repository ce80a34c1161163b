# lib: postgres
# Prints what a backup or a restore has to know; changes nothing.
container=$1 dir=$2
[ -d "$dir" ] || exit 80
docker container inspect --format 'state {{.State.Status}}' "$container" 2>/dev/null || { echo "state none"; exit 0; }
printf 'avail %s\n' "$(df -B1 --output=avail "$dir" | tail -n 1)"
find "$dir/backups" -maxdepth 1 -name '*.dump' -printf 'backup %f %s\n' 2>/dev/null | sort
in_postgres "$container" "ask -F ' ' -v \"objects=\$objects\"" <<'SQL'
select 'database', current_setting('server_version_num'), pg_database_size(current_database()),
  (:objects),
  (select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()),
  current_database();
select 'restoring' from pg_database where datname = :'new';
SQL
