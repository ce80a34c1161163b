# What a stanza is given as files: Compose's `secrets`, whose source is a name of the release's .env, or a file. The script has
# lib/workspace.sh, in which each value stands for a moment in a file of its own, lib/masked.sh and lib/release.sh.
secrets_of() { # stanza, and `config --format json` on stdin: `<source> environment|file <name or path> <target>` for each
  awk -v stanza="$1" "$each_line"'
    at[1] == "secrets" && depth == 3 && at[3] ~ /^(environment|file)$/ { what[at[2]] = at[3] " " text() }
    at[1] != "services" || at[2] != stanza || at[3] != "secrets" || depth != 5 { next }
    at[5] == "source" { source = text(); order[++count] = source; target[source] = source }
    at[5] == "target" { target[source] = text() }
    END { for (i = 1; i <= count; i++) {
      source = order[i]
      if (source in what) print source, what[source], (target[source] ~ /^\// ? "" : "/run/secrets/") target[source]
    } }'
}
values_of() { # directory, names: a file there for each, with its value as Compose reads it in the release's .env
  local into=$1 name asked=''
  shift
  for name; do asked+=",\"$name\":\"\${$name-}\""; done
  compose -p values --project-directory "$dir/compose" --env-file "$keep/.env" -f - config --format json \
    <<<"{\"services\":{\"x\":{\"image\":\"x\",\"environment\":{${asked#,}}}}}" |
    awk "$each_line"'at[3] == "environment" && depth == 4 { print at[4], text() }' |
    LC_ALL=C awk -v into="$into" "$json_text"'{
      value = value_of("\"" substr($0, length($1) + 2) "\"")
      gsub(/\$\$/, "$", value) # as Compose writes one
      printf "%s", value > (into "/" $1)
    }'
}
put_secrets() { # container that was not started yet; stdin: secrets_of. Those of the .env, as Compose puts them there when it starts one itself
  local source kind what target wanted=() targets=()
  while read -r source kind what target; do
    [ "$kind" != environment ] || { wanted+=("$what") && targets+=("$what ${target#/}"); }
  done
  [ "${#wanted[@]}" != 0 ] || return 0
  mkdir -p "$work/values" "$work/root"
  values_of "$work/values" "${wanted[@]}" || return
  while read -r what target; do
    mkdir -p "$work/root/$(dirname "$target")" && cp "$work/values/$what" "$work/root/$target" || return
  done < <(printf '%s\n' "${targets[@]}")
  printf '%s\n' "${targets[@]#* }" | tar -C "$work/root" --owner 0 --group 0 --numeric-owner --mode 0444 -cf - -T - | docker cp - "$1:/"
}
