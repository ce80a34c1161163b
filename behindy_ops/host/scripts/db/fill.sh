# lib: postgres
# Fills a new database from the backup that db/receive.sh has put there, beside the one in use, which is not touched.
# All or nothing: in one transaction.
container=$1 dir=$2
file=$dir/backups/restore.part
trap 'rm -f "$file"' EXIT
read -rd '' inside <<'SH'
ask -d postgres <<'SQL' || exit 88
drop database if exists :"new" with (force);
select format('create database %I template template0 encoding %L lc_collate %L lc_ctype %L', :'new',
  pg_encoding_to_char(encoding), datcollate, datctype) from pg_database where datname = :'old' \gexec
SQL
if pg_restore --single-transaction --exit-on-error --no-owner --no-acl --no-password -d "${PGDATABASE}_restoring"; then
  echo 'analyze;' | ask -d "${PGDATABASE}_restoring"
else
  echo 'drop database if exists :"new" with (force);' | ask -d postgres
  exit 89
fi
SH
in_postgres "$container" "$inside" <"$file"
