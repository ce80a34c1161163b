# What kind of engine it is, and where it keeps its data.
described_engine() { # in words: its directory, its security options, its storage driver's status; then what docker is
  local info
  info=$(api -f http://docker/info 2>/dev/null | sed -nE 'h
s/.*"DockerRootDir":"([^"]*)".*/\1/p
g; s/.*"SecurityOptions":\[([^]]*)\].*/\1/p
g; s/.*"DriverStatus":\[((\[[^]]*\],?)*)\].*/\1/p' | tr '[],"\n' ' ')
  [ -n "$info" ] || info=$(docker info --format \
    '{{.DockerRootDir}}{{range .SecurityOptions}} {{.}}{{end}}{{range .DriverStatus}} {{index . 1}}{{end}}' 2>/dev/null)
  info=${info:-/}
  [ ! -S "/run/user/$(id -u)/docker.sock" ] || info+=" own-socket"
  echo "$info $(command -v docker)"
}
data_places() { # what described_engine said: the directories in which images lie and what containers write
  echo "${1%% *}"
  case " $1 " in *" io.containerd.snapshotter.v1 "*) ;; *) return ;; esac
  # containerd has the images: the system's, in a place of its own, or the engine's below the engine's directory.
  [ -e /run/containerd/containerd.sock ] || return 0
  sed -nE 's/^root *= *["'\'']([^"'\'']*).*/\1/p' /etc/containerd/config.toml 2>/dev/null | grep . || echo /var/lib/containerd
}
fullest() { # what described_engine said: size, free bytes and mount of the fullest file system of those
  data_places "$1" | xargs -d '\n' df -B1 --output=size,avail,target 2>/dev/null | awk 'NR > 1' | sort -n -k 2,2 | head -n 1
}
