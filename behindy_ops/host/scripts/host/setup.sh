# $1 what to do, then its arguments. Runs as root; each part may be run again. Says on its last lines why it failed.
set -e
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
what=$1
shift
apt() { apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Acquire::Languages=none "$@" </dev/null; }
change() { # file, what checks it: replaces a system's file by what is on standard input, whole or not at all
  local file copy check=${*:2}
  file=$(readlink -m "$1")
  mkdir -p "${file%/*}"
  cat >"$file.behindy-new"
  if [ -e "$file" ]; then
    chmod --reference="$file" "$file.behindy-new" && chown --reference="$file" "$file.behindy-new"
  fi
  if ! ${check:-true} "$file.behindy-new"; then
    rm -f "$file.behindy-new"
    echo "$file would not be valid any more, so it stays as it is" >&2
    exit 1
  fi
  case $file in */*.d/* | */vars/*) copy=${file%/*}.${file##*/} ;; *) copy=$file ;; esac # such a folder is read whole
  if [ -e "$file" ]; then cp -p "$file" "$copy.behindy-$(date +%Y%m%d-%H%M%S)"; fi
  mv -f "$file.behindy-new" "$file"
}
engine_takes() { ! dockerd --help 2>/dev/null | grep -q -- --validate || dockerd --validate --config-file "$1" >&2; }
mounts_as_well() { # a table of file systems may have had errors before
  ! findmnt --verify >/dev/null 2>&1 || findmnt --verify --tab-file "$1" >&2
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
daemon) change /etc/docker/daemon.json engine_takes ;;
engine) engine start enable --now ;;
restart) engine restart restart ;;
reload) # whether live-restore is to be on then
  if [ -d /run/systemd/system ]; then systemctl reload docker; else kill -HUP "$(cat /var/run/docker.pid)"; fi
  for _ in {1..40}; do [ "$(docker info --format '{{.LiveRestoreEnabled}}')" != "${1:-true}" ] || exit 0; sleep 0.25; done
  echo "the engine has not loaded /etc/docker/daemon.json; see: journalctl -u docker -n 20" >&2
  exit 1
  ;;
timers) # systemd timers to switch on; stdin: mode, path and content (base64) of each file that is not as it should be
  while read -r mode path text; do
    base64 -d <<<"$text" | change "$path"
    chmod "$mode" "$path"
  done
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --now "$@"
  else # nothing that has an init of its own
    for program in cron crond; do ! command -v "$program" || pidof "$program" || service "$program" start || "$program"; done >/dev/null
  fi
  ;;
group) usermod -aG docker "$1" ;;
directory) install -d -m 750 -o "$2" -g "$(id -gn "$2")" "$1" ;;
swap) # megabytes
  made() { # whole before it has its name
    rm -f /swapfile.behindy-new
    (umask 077; { [ "$1" = quick ] && fallocate -l "$2M" /swapfile.behindy-new; } ||
      dd if=/dev/zero of=/swapfile.behindy-new bs=1M count="$2" status=none)
    mkswap /swapfile.behindy-new >/dev/null
    mv -f /swapfile.behindy-new /swapfile
  }
  if ! [ -e /swapfile ]; then made quick "$1"; elif ! swaplabel /swapfile >/dev/null 2>&1; then
    echo "/swapfile is there and holds something else than swap: it stays as it is" >&2
    exit 1
  fi
  swapon /swapfile || { # a file with holes is refused by some file systems
    made slowly "$1"
    swapon /swapfile
  }
  grep -qE '^/swapfile[[:space:]]' /etc/fstab 2>/dev/null ||
    { sed "\$a\\" /etc/fstab 2>/dev/null; echo '/swapfile none swap sw 0 0'; } | change /etc/fstab mounts_as_well
  ;;
swappiness)
  echo "vm.swappiness = $1" | change /etc/sysctl.d/60-behindy.conf
  echo "$1" >/proc/sys/vm/swappiness
  ;;
updates-apt)
  printf 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' |
    change /etc/apt/apt.conf.d/60behindy-upgrades # what others say in files before it stays
  ;;
updates-dnf)
  sed -E 's/^[[:space:]]*(apply_updates)[[:space:]]*=.*/\1 = yes/; s/^[[:space:]]*(upgrade_type)[[:space:]]*=.*/\1 = security/' \
    /etc/dnf/automatic.conf | change /etc/dnf/automatic.conf
  # Amazon Linux stays at the repositories' version it was launched with, where no update ever appears, unless told.
  if grep -q '^ID="\?amzn"\?$' /etc/os-release; then echo latest | change /etc/dnf/vars/releasever; fi
  systemctl enable --now dnf-automatic.timer
  ;;
esac
