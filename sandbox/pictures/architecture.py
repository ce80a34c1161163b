"""The picture of the architecture in both READMEs: four files, for two languages and two colour schemes.

An image cannot know which scheme the page around it has, so the READMEs choose the file by ``<picture>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 920, 452

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans KR', 'Apple SD Gothic Neo', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


@dataclass(frozen=True)
class Scheme:
    """Colours; each text has a contrast of at least 4.5 to what it stands on."""

    page: str
    box: str
    edge: str
    text: str
    quiet: str
    live: str
    next: str
    last: str


LIGHT = Scheme("#ffffff", "#f6f8fa", "#afb8c1", "#1f2328", "#59636e", "#1a7f37", "#0969da", "#59636e")
DARK = Scheme("#0d1117", "#161b22", "#545d68", "#e6edf3", "#9198a1", "#3fb950", "#58a6ff", "#8b949e")

ENGLISH = {
    "title": "What runs where",
    "host": "The host: Docker and sshd; nothing of ours stays running",
    "visitors": "Visitors",
    "laptop": "A laptop",
    "actions": "GitHub Actions",
    "push": "after a push",
    "https": "https",
    "names": "resolves names",
    "each": "at each request",
    "candidate": "next: checked, rehearsed",
    "live": "live: has the traffic",
    "previous": "previous: drains, is stopped",
    "switch": "switch =",
    "renames": "two renames",
    "data": "PostgreSQL, Redis",
    "untouched": "no deploy touches them",
    "ssh": "one SSH connection",
    "kept": "compose/, nginx/, .env, releases, history, the lock",
    "registry": "Registry",
    "pull": "pull",
    "probes": "checks",
    "open": "open",
    "connections": "connections",
}
KOREAN = {
    "title": "어디에서 무엇이 실행되는가",
    "host": "호스트: Docker와 sshd뿐, 상주하는 프로그램 없음",
    "visitors": "방문자",
    "laptop": "노트북",
    "actions": "GitHub Actions",
    "push": "push한 뒤",
    "https": "https",
    "names": "요청마다",
    "each": "이름을 찾음",
    "candidate": "후보: 검사하고 리허설",
    "live": "live: 트래픽을 받음",
    "previous": "이전: 드레인 뒤 중지",
    "switch": "전환 =",
    "renames": "Rename 두 번",
    "data": "PostgreSQL, Redis",
    "untouched": "배포가 건드리지 않음",
    "ssh": "SSH 연결 하나",
    "kept": "compose/, nginx/, .env, 릴리스, 이력, 잠금",
    "registry": "레지스트리",
    "pull": "pull",
    "probes": "검사",
    "open": "열린",
    "connections": "연결",
}


def pictures() -> dict[str, str]:
    """Each file's path below the checkout, and its text."""
    return {
        f"docs/{folder}architecture-{name}.svg": architecture(words, scheme)
        for folder, words in (("", ENGLISH), ("ko/", KOREAN))
        for name, scheme in (("light", LIGHT), ("dark", DARK))
    }


def architecture(words: dict[str, str], scheme: Scheme) -> str:
    """The picture, in these words and colours."""
    host_x, nginx_x, container_x, registry_x = 216, 240, 472, 826
    rows = {"green": 58, "live": 148, "blue": 238}
    parts = [
        _box(host_x, 12, 584, 428, scheme, fill="none", dash=True),
        _text(host_x + 18, 37, words["host"], scheme.quiet),
        # Who asks, from the left.
        _box(12, 148, 150, 64, scheme),
        _text(87, 185, words["visitors"], scheme.text, anchor="middle", bold=True),
        _arrow(162, 180, nginx_x, 180, scheme.live, width=3),
        _text(189, 170, words["https"], scheme.live, anchor="middle"),
        _box(12, 276, 150, 70, scheme),
        _text(87, 303, words["laptop"], scheme.text, anchor="middle", bold=True),
        _text(87, 326, "inv deploy.web", scheme.quiet, anchor="middle", mono=True),
        _box(12, 362, 150, 70, scheme),
        _text(87, 389, words["actions"], scheme.text, anchor="middle", bold=True),
        _text(87, 412, words["push"], scheme.quiet, anchor="middle"),
        _arrow(162, 346, nginx_x, 372, scheme.next, width=2),
        _arrow(162, 397, nginx_x, 397, scheme.next, width=2),
        # nginx, and the three containers that its one name may lead to.
        _box(nginx_x, 130, 140, 100, scheme),
        _text(nginx_x + 70, 160, "nginx", scheme.text, anchor="middle", bold=True),
        _text(nginx_x + 70, 184, words["names"], scheme.quiet, anchor="middle"),
        _text(nginx_x + 70, 204, words["each"], scheme.quiet, anchor="middle"),
        _container(container_x, rows["green"], "web-green", words["candidate"], scheme.next, scheme),
        _container(container_x, rows["live"], "web", words["live"], scheme.live, scheme),
        _container(container_x, rows["blue"], "web-blue", words["previous"], scheme.last, scheme),
        _arrow(380, 160, container_x, 96, scheme.next, dash=True),
        _text(418, 104, words["probes"], scheme.next, anchor="middle"),
        _arrow(380, 180, container_x, 180, scheme.live, width=3),
        _arrow(380, 200, container_x, 264, scheme.last),
        _text(412, 264, words["open"], scheme.last, anchor="middle", size=12),
        _text(412, 280, words["connections"], scheme.last, anchor="middle", size=12),
        _turn(container_x + 204, rows["green"] + 32, rows["live"] + 22, scheme.text),
        _turn(container_x + 204, rows["live"] + 42, rows["blue"] + 32, scheme.text),
        _text(container_x + 234, 176, words["switch"], scheme.text, anchor="start", size=12, bold=True),
        _text(container_x + 234, 193, words["renames"], scheme.text, anchor="start", size=12, bold=True),
        # What a deploy leaves alone, and what it is made of.
        _box(nginx_x, 318, 536, 32, scheme),
        _text(nginx_x + 16, 339, words["data"], scheme.text, bold=True),
        _text(nginx_x + 520, 339, words["untouched"], scheme.quiet, anchor="end"),
        _box(nginx_x, 362, 536, 66, scheme),
        _text(nginx_x + 16, 389, words["ssh"], scheme.next, bold=True),
        _text(nginx_x + 16, 413, words["kept"], scheme.quiet),
        # Where the images come from.
        _box(registry_x, 58, 90, 64, scheme),
        _text(registry_x + 45, 95, words["registry"], scheme.text, anchor="middle", bold=True),
        _arrow(registry_x, 76, container_x + 204, 76, scheme.next, width=2),
        _text(740, 68, words["pull"], scheme.next, anchor="middle"),
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<title>{escape(words['title'])}</title>",
            f'<g font-family="{FONT}" font-size="14">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{scheme.page}"/>',
            *parts,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _box(x: int, y: int, width: int, height: int, scheme: Scheme, *, fill: str = "", dash: bool = False) -> str:
    dashes = ' stroke-dasharray="6 4"' if dash else ""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8"'
        f' fill="{fill or scheme.box}" stroke="{scheme.edge}"{dashes}/>'
    )


def _container(x: int, y: int, name: str, role: str, colour: str, scheme: Scheme) -> str:
    line = f'stroke="{colour}" stroke-width="2"'
    return "\n".join(
        [
            f'<rect x="{x}" y="{y}" width="204" height="64" rx="8" fill="{scheme.box}" {line}/>',
            _text(x + 102, y + 27, name, colour, anchor="middle", bold=True, mono=True),
            _text(x + 102, y + 49, role, scheme.text, anchor="middle", size=13),
        ]
    )


def _text(
    x: int,
    y: int,
    text: str,
    colour: str,
    *,
    anchor: str = "start",
    bold: bool = False,
    mono: bool = False,
    size: int = 0,
) -> str:
    style = f' font-family="{MONO}"' if mono else ""
    style += ' font-weight="600"' if bold else ""
    style += f' font-size="{size or 13}"' if size or mono else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{style}>{escape(text)}</text>'


def _arrow(x: int, y: int, to_x: int, to_y: int, colour: str, *, width: int = 1, dash: bool = False) -> str:
    """A line whose end is a triangle, drawn as such: not every viewer knows markers."""
    dashes = ' stroke-dasharray="5 4"' if dash else ""
    long = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
    along, across = (to_x - x) / long, (to_y - y) / long
    back = (to_x - 10 * along, to_y - 10 * across)
    points = [
        (to_x - along, to_y - across),
        (back[0] - 5 * across, back[1] + 5 * along),
        (back[0] + 5 * across, back[1] - 5 * along),
    ]
    return (
        f'<path d="M{x} {y}L{back[0]:.1f} {back[1]:.1f}" stroke="{colour}" stroke-width="{width}" fill="none"{dashes}/>'
        f'<path d="M{" L".join(f"{left:.1f} {top:.1f}" for left, top in points)}Z" fill="{colour}"/>'
    )


def _turn(x: int, y: int, to_y: int, colour: str) -> str:
    """A curve to the right, from one container down to the next."""
    return (
        f'<path d="M{x} {y}C{x + 30} {y} {x + 30} {to_y} {x + 10} {to_y}" stroke="{colour}" stroke-width="2"'
        f' fill="none"/><path d="M{x + 1} {to_y}L{x + 11} {to_y - 5} L{x + 11} {to_y + 5}Z" fill="{colour}"/>'
    )
