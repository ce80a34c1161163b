# lib: workspace sections engine data views assets
# `dir`: the host directory; the rest is the survey. File systems, what Docker keeps by its own count, and what is needed to
# tell what releases of earlier versions of this tool left: when each was made (those have no names.yml), and networks.
# assets_: service, bytes of its static files, bytes of those that may go, how many releases, and which of them may go.
dir=$1
shift
look=("$@")
made() {
  local file
  for file in "$dir"/state/releases/*/*/override.yml; do
    [ ! -e "$file" ] || [ -e "${file%/*}/names.yml" ] || stat -c "%Y $file" "$file"
  done | sed -E 's,^([0-9]+) .*/([^/]+)/([^/]+)/override.yml$,\1 \2 \3,'
}
networks_() { docker network ls --filter label=com.docker.compose.project --format '{{.Name}} {{.Label "com.docker.compose.project"}}'; }
assets_() {
  local needed list going
  needed=$(releases_in_use) || return
  for list in "$dir"/state/assets/*/; do
    [ -d "$list" ] || continue
    of "$dir" "$(basename "$list")"
    # shellcheck disable=SC2046,SC2086 # ids
    {
      going=$(unneeded $needed)
      echo "$(basename "$list") $(bytes $(all)) $(($(bytes $(all)) - $(bytes $(all | grep -vxF "$going")))) $(all | wc -l)" $going
    }
  done
}
filesystems() { # of directories only: Docker mounts single files too; the inodes of each after its bytes
  local engine
  engine=$(described_engine)
  echo "docker $(fullest "$engine" | awk '{ print $3 }')"
  {
    df -l -B1 -x tmpfs -x devtmpfs -x squashfs -x efivarfs --output=fstype,size,used,avail,itotal,iused,target
    data_places "$engine" | xargs -d '\n' df -B1 --output=fstype,size,used,avail,itotal,iused,target | tail -n +2
  } 2>/dev/null | tail -n +2 | sort -u | while read -r type size used free inodes taken target; do
    [ -d "$target" ] || continue
    case $target in */overlay2/*/merged | */rootfs/overlayfs/*) continue ;; esac
    printf '%s %s %s %s %s %s %s\n' "$type" "$size" "$used" "$free" "$inodes" "$taken" "$target"
  done
}
docker_() { # as version 1.44 of its API tells it, or an older engine's own
  local version minor
  version=$(docker version --format '{{.Server.APIVersion}}') || return
  minor=${version#1.}
  [ "$minor" -lt 44 ] || version=1.44
  api "http://docker/v$version/system/df"
}
report filesystems docker_ made networks_ assets_ others survey
