# lib: postgres
# Fills a new database from the backup that db/receive.sh has put there, beside the one in use, which is not touched. All
# or nothing: in one transaction. The new one has the other's owner, encoding, locale, settings and grants; owners and
# grants within it are the backup's. Prints `missing <role>` when they could not be, since this server has no such role:
# then all of it belongs to the login of the container.
container=$1 dir=$2
file=$dir/backups/.behindy-restore.part
trap 'rm -f "$file"' EXIT
read -rd '' inside <<'SH'
ask -d postgres <<'SQL'
select current_setting('server_version_num')::int >= 170000 as named, current_setting('server_version_num')::int >= 150000
  as provided \gset
\if :named
\set locale datlocale
\elif :provided
\set locale daticulocale
\else
\set locale null::text
\endif
drop database if exists :"new" with (force);
select format('create database %I template template0 owner %I encoding %L lc_collate %L lc_ctype %L', :'new',
  pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
  || case to_jsonb(d) ->> 'datlocprovider' when 'i' then format(' locale_provider icu icu_locale %L', :locale)
     when 'b' then format(' locale_provider builtin builtin_locale %L', :locale) else '' end
  from pg_database d where datname = :'old' \gexec
select format('revoke all on database %I from public', :'new') from pg_database where datname = :'old'
  and datacl is not null \gexec
select format('grant %s on database %I to %s%s', privilege_type, :'new',
    case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
    case when is_grantable then ' with grant option' else '' end)
  from pg_database, aclexplode(datacl) where datname = :'old' and grantee <> datdba \gexec
select case setrole when 0 then format('alter database %I', :'new')
    else format('alter role %I in database %I', pg_get_userbyid(setrole), :'new') end
  || format(' set %I to %s', split_part(setting, '=', 1), case
    -- these are kept as lists whose parts are quoted already
    when split_part(setting, '=', 1) in ('local_preload_libraries', 'search_path', 'session_preload_libraries',
      'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories') then nullif(value, '')
    else quote_literal(value) end)
  from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(setconfig) setting,
    substr(setting, strpos(setting, '=') + 1) value where datname = :'old' \gexec
SQL
SH
in_postgres "$container" "$inside" </dev/null || exit 88
restored() { # further options of pg_restore
  in_postgres "$container" \
    'pg_restore --single-transaction --exit-on-error --no-password -d "${PGDATABASE}_restoring" "$@"' "$@" <"$file"
}
said=$(restored 2>&1)
code=$?
role=$(sed -n 's/.*role "\(.*\)" does not exist.*/\1/p' <<<"$said" | head -n 1)
if [ "$code" != 0 ] && [ -n "$role" ]; then
  echo "missing $role"
  said=$(restored --no-owner --no-acl 2>&1)
  code=$?
fi
if [ "$code" = 0 ]; then
  in_postgres "$container" 'ask -d "${PGDATABASE}_restoring"' <<<'analyze;'
else
  in_postgres "$container" 'ask -d postgres' <<<'drop database if exists :"new" with (force);'
  printf '%s\n' "$said" >&2
  exit 89
fi
