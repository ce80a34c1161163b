# $1 what to do, then its arguments. Runs as root; each part may be run again. Says on its last lines why it failed.
set -e
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
what=$1
shift
apt() { apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Acquire::Languages=none "$@" </dev/null; }
# Replaces a file by what is on standard input, whole or not at all.
put() {
  mkdir -p "${1%/*}"
  cat >"$1.behindy-new"
  chmod "${2:-644}" "$1.behindy-new"
  mv "$1.behindy-new" "$1"
}
engine() { # what an init without systemd is told, then what systemd is
  if [ -d /run/systemd/system ]; then systemctl "${@:2}" docker; else service docker "$1"; fi
  for _ in {1..120}; do docker version >/dev/null 2>&1 && return; sleep 0.5; done
  docker version >&2
}
compose_from() { # release, package: takes one package of a later release of this distribution, and leaves no trace of it
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # From where this host has its own packages, and checked by the same keys. The names are apt-get's to fill in.
  from=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(SIGNED_BY)' 'Created-By: Packages' |
    awk -v own="$own" '$2 == own {print; exit}')
  uri=${from%% *} keys=$(awk '{print $3}' <<<"$from")
  [ -n "$uri" ] || { echo "no package source for $own in /etc/apt" >&2; return 1; }
  case $keys in /*) ;; *) keys=/usr/share/keyrings/debian-archive-keyring.gpg ;; esac
  echo "deb [signed-by=$keys] $uri $1 main" >"$work/sources.list"
  options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists"
    -o "Dir::Cache::pkgcache=$work/pkgcache" -o "Dir::Cache::srcpkgcache=$work/srcpkgcache" -o APT::Get::List-Cleanup=0)
  apt "${options[@]}" update
  (cd "$work" && chown -R _apt "$work" 2>/dev/null; apt "${options[@]}" download "$2")
  dpkg --install "$work/$2"_*.deb
}
case $what in
packages-apt)
  apt update
  apt install --no-install-recommends "$@"
  ;;
packages-dnf) dnf -y -q install "$@" </dev/null ;;
compose-from) compose_from "$1" "$2" ;;
compose-download) # version, SHA-256, architecture
  plugin=/usr/local/lib/docker/cli-plugins/docker-compose
  mkdir -p "${plugin%/*}"
  curl -fsSL --retry 3 -o "$plugin.new" "https://github.com/docker/compose/releases/download/v$1/docker-compose-linux-$3" || exit 1
  echo "$2  $plugin.new" | sha256sum --check --quiet || { rm -f "$plugin.new"; exit 1; }
  chmod 755 "$plugin.new"
  mv "$plugin.new" "$plugin"
  ;;
logging) put /etc/docker/daemon.json ;;
engine) engine start enable --now ;;
restart) engine restart restart ;;
group) usermod -aG docker "$1" ;;
directory) install -d -m 750 -o "$2" -g "$(id -gn "$2")" "$1" ;;
swap) # megabytes
  if ! [ -e /swapfile ] || ! swaplabel /swapfile >/dev/null 2>&1; then
    rm -f /swapfile
    (umask 077; fallocate -l "$1M" /swapfile || dd if=/dev/zero of=/swapfile bs=1M count="$1" status=none)
    mkswap /swapfile >/dev/null
  fi
  swapon /swapfile || { # a file with holes is refused by some file systems
    rm -f /swapfile
    (umask 077 && dd if=/dev/zero of=/swapfile bs=1M count="$1" status=none)
    mkswap /swapfile >/dev/null
    swapon /swapfile
  }
  grep -qE '^/swapfile[[:space:]]' /etc/fstab 2>/dev/null || echo '/swapfile none swap sw 0 0' >>/etc/fstab
  ;;
swappiness)
  echo "vm.swappiness = $1" | put /etc/sysctl.d/60-behindy.conf
  echo "$1" >/proc/sys/vm/swappiness
  ;;
updates-apt)
  printf 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' |
    put /etc/apt/apt.conf.d/20auto-upgrades
  ;;
updates-dnf)
  sed -i -E 's/^[[:space:]]*(apply_updates)[[:space:]]*=.*/\1 = yes/; s/^[[:space:]]*(upgrade_type)[[:space:]]*=.*/\1 = security/' \
    /etc/dnf/automatic.conf
  # Amazon Linux stays at the repositories' version it was launched with, where no update ever appears, unless told.
  if grep -q '^ID="\?amzn"\?$' /etc/os-release; then echo latest | put /etc/dnf/vars/releasever; fi
  systemctl enable --now dnf-automatic.timer
  ;;
esac
