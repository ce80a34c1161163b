# lib: masked compose
# stdin: the files, one line each: path and base64. Puts them into a directory of their own, with a list of them, and
# tries them there: Compose reads the one, and nginx (its image, or ""), in a throwaway container without a network, the
# others, beside what else is below the host's nginx/, with its mounts, source:target each (a source without a leading /
# is below the host directory). `what`: keep or try.
dir=$1 project=$2 version=$3 what=$4 domain=$5 image=$6
shift 6
umask 022
cd "$dir" || exit 80
base=$(pwd)
stage=$base/nginx/versions/$version.new
mkdir -p nginx/versions compose
rm -rf nginx/versions/*.new
mkdir -p "$stage/compose" "$stage/nginx" || exit 77
trap 'rm -rf "$stage"' EXIT
while read -r path content; do
  mkdir -p "$(dirname "$stage/$path")" && base64 -d <<<"$content" >"$stage/$path" || exit 77
  echo "$path"
done >"$stage/files"
environment=$base/.env
[ -e "$environment" ] || environment=/dev/null
compose --project-directory "$base/compose" --env-file "$environment" \
  -f "$stage/compose/docker-compose.yml" --profile '*' config --quiet || exit 65
if [ -n "$image" ]; then
  docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null || exit 67
  options=() at=
  for mount in "$@"; do
    source=${mount%%:*} target=${mount#*:}
    if [ "$source" = nginx ]; then
      at=$target
      options+=(--volume "$stage/nginx:/behindy-new:ro" --volume "$base/nginx:/behindy-there:ro" --tmpfs "$target")
      continue
    fi
    case $source in nginx/*) source=$stage/$source ;; /*) ;; *) source=$base/$source ;; esac
    # Docker would make a missing one as root, and then the setup could not narrow it. What nginx serves its workers read.
    case $target in /var/www/*) mask=022 ;; *) mask=077 ;; esac
    case $source in "$base"/*) [ -e "$source" ] || (umask "$mask" && mkdir -p "$source") ;; esac
    if [ "$target" = /etc/letsencrypt ]; then
      options+=(--volume "$source:/behindy-letsencrypt:ro" --tmpfs /etc/letsencrypt)
    else
      options+=(--volume "$source:$target:ro")
    fi
  done
  # A host that has no certificate yet is no reason to refuse the files: a throwaway one stands in, in there only.
  docker run --rm --network none --memory 128m "${options[@]}" --entrypoint sh "$image" -c '
at=$2
beside() { # folder/: links to what is not ours
  for entry in "/behindy-there/$1"* "/behindy-there/$1".[!.]*; do
    name=$1${entry##*/}
    case $name in live | versions) continue ;; esac
    case $(readlink "$entry") in *live/nginx/*) continue ;; esac
    if [ -d "/behindy-new/$name" ] && [ -d "$entry" ]; then beside "$name/"; elif [ -e "$entry" ] && ! [ -e "$at/$name" ]; then
      ln -s "$entry" "$at/$name"
    fi
  done
}
if [ -n "$at" ]; then cp -r /behindy-new/. "$at/" && beside ""; fi
mkdir -p /etc/letsencrypt && cp -a /behindy-letsencrypt/. /etc/letsencrypt/ 2>/dev/null
live=/etc/letsencrypt/live/$1
if ! [ -e "$live/fullchain.pem" ]; then
  mkdir -p "$live"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" \
    -keyout "$live/privkey.pem" -out "$live/fullchain.pem" 2>/dev/null || echo "no openssl in this image" >&2
fi
exec nginx -t -q -c /etc/nginx/behindy/nginx.conf' check "$domain" "$at" || exit 66
fi
[ "$what" = keep ] || exit 0
rm -rf "nginx/versions/$version"
mv -T "$stage" "nginx/versions/$version"
