"""Forty files that nobody of this project has made, of all sorts, and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "stranger-7f3a"
"""Stands in what each of them says; none of it is to be shown."""

PLANT = r"""
cd "$1" || exit 1
own() { chown -h "$2:$2" "$1"; }
text() { mkdir -p "$(dirname "./$1")"; printf '%s %s\n' "$2" "$1" >"./$1"; own "./$1" ubuntu; }
for name in note.txt .hidden 'a b' '한글 파일.txt' 'ä.txt' $'new\nline' '-rf' 'quote"s' "it's" '*' '$HOME' \
  'back\slash' .env.old compose/uploads/a.txt compose/docker-compose.yml.bak compose/.env.swp 'compose/ä b.txt' \
  nginx/ssl/key.pem \
  nginx/custom/x.conf.off 'nginx/그림.png' backups/prod.dump backups/pre_migration.dump backups/my.part \
  'backups/behindy 1.dump' state/note state/env/mine.env state/env/20250101.env state/releases/frontend/mine/keep \
  state/releases/other/20250101-000000-abcd/x rehearsal/mine data/other/file; do text "$name" "$2"; done
chown ubuntu:ubuntu backups state/env state/releases/frontend
printf '%s\n' "$2" >backups/root.dump; chmod 000 backups/root.dump
printf '%s\n' "$2" >compose/rootonly; chmod 600 compose/rootonly
mkdir -m 700 nginx/closed && printf '%s\n' "$2" >nginx/closed/key.pem
ln -s note.txt link; ln -s /nowhere compose/dangling; ln -s .. nginx/up; ln note.txt hard
mkfifo compose/pipe
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "state/sock", Listen => 1) or die'
truncate -s 5M compose/sparse
"""

AROUND = r"""
mkdir -p "$1" && cd "$1" || exit 1
printf '{"x": "%s"}\n' "$2" >daemon.json.orig; printf '%s\n' "$2" >'my notes'; chmod 600 daemon.json.orig
printf '%s\n' "$2" >daemon.json.behindy; ln -s daemon.json.orig daemon.link
"""

LOOK = r"""
cd "$1" || exit 1
find . -mindepth 1 ! -type d -printf '%p|%y|%m|%U|%G|%l|%i\0' | sort -z | tr '\0' '\n' | grep -av '^$'
find . -type f -print0 | sort -z | xargs -0 -r sha256sum
"""


class Strangers:
    """Those below a directory of a host; ``sh`` runs a shell text there as root, with arguments."""

    def __init__(self, sh: Callable[..., str], place: str, script: str = PLANT) -> None:
        self._sh, self._place = sh, place
        before = set(self._lines())
        sh(script, place, MARK)
        self.planted = sorted(set(self._lines()) - before)

    def _lines(self) -> list[str]:
        return self._sh(LOOK, self._place).splitlines()

    def missing(self) -> list[str]:
        """What is not as it was."""
        return sorted(set(self.planted) - set(self._lines()))

    def remove(self) -> None:
        """Take them away again, wherever they are now."""
        inodes = " -o ".join(f"-inum {line.rsplit('|', 1)[1]}" for line in self.planted if line.count("|") >= 6)
        self._sh(f'cd "$1" && find . \\( {inodes} \\) -delete; find . -mindepth 1 -type d -empty -delete', self._place)
