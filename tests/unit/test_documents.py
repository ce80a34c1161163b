"""What is written, in code and documents: it refers to nothing outside the repository, and uses the words we chose."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

WRITTEN = ("behindy_ops", "sandbox", "tests", "docs", "nginx", "compose", "benchmarks", "examples", ".github", ".ci")
SUFFIXES = {".md", ".py", ".sh", ".yml", ".conf", ".toml", ".example"}
DOCUMENTS = (
    *sorted(f"docs/{file.name}" for file in (CHECKOUT / "docs").glob("*.md")),
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)

OUTSIDE = [
    r"\b(?:DESI~GN|HOU~SE|FAU~LTS|SWA~RM|STY~LE|BEHI~NDY|DEPLOYMENT_~PROCESS(?:\.ko)?)\.md\b",
    r"(?i)\bhand~book\b(?!\.md)",
    r"(?i)\bspecifi~cation\b",
    r"(?i)\bsec~tion \d",
]
"""Texts that are not in the repository, and how they used to be cited."""

ABOUT_ONE = ("docs/handbook.md", "docs/ko/handbook.md", "tests/unit/test_handbook.py")
"""What leads from such a text to what is here, for those who have it."""

OLD_WORDS = [
    "what ran before ~runs on",
    "does not ~tell of",
    "is to be ~had, since",
    "container has it ~not",
    "is no longer ours, so it ~was refused",
    "was not ~served for",
    "in behindy-ops, not ~of yours",
    "is deployed ~anew",
    "does not answer, or not ~to this user",
    "for want ~of memory",
    "stands why ~it stays",
    "Have a ~certificate by",
    "nothing if it ~is good",
    "a slip of ~the pen",
    "Eyes on ~the host",
    "Read it ~so",
]
"""Turns of phrase for which better ones were found."""

OLD_FIELDS = r"^\s+(?:belie~ved|dou~bt|w~ay|wou~ld): |`(?:belie~ved|dou~bt|w~ay|wou~ld)`"
"""JSON fields that have been renamed, as a field of a class or as a document names them."""


def pattern(text: str) -> re.Pattern[str]:
    """The pattern without its marks, which keep this file from matching itself; a space also matches a wrapped line."""
    return re.compile(text.replace("~", "").replace(" ", r"""[\s"#>|]+(?:f")?"""), re.MULTILINE)


@cache
def texts() -> dict[str, str]:
    files = [file for folder in WRITTEN for file in (CHECKOUT / folder).rglob("*")]
    files += [file for file in CHECKOUT.iterdir() if file.suffix in SUFFIXES or file.name in {"inv", "tasks.py"}]
    return {
        str(file.relative_to(CHECKOUT)): file.read_text(encoding="utf-8")
        for file in sorted(files)
        if file.is_file() and (file.suffix in SUFFIXES or file.parent == CHECKOUT)
    }


def places(wanted: re.Pattern[str], *, besides: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in texts().items()
        if name not in besides
        for match in wanted.finditer(text)
    ]


def headings(document: str) -> list[str]:
    without_code = re.sub(r"^```.*?^```", "", texts()[document], flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("text", OUTSIDE)
def test_nothing_outside_the_repository_is_cited(text: str) -> None:
    assert places(pattern(text), besides=ABOUT_ONE) == []


def test_what_is_cited_of_the_design_is_there() -> None:
    cited = [
        (name, re.sub(r"\s*\n[\s#]*", " ", title))
        for name, text in texts().items()
        for title in re.findall(r'docs/design\.md,[\s#]+"([^"]+)"', text)
    ]
    assert len(cited) > 10
    assert [(name, title) for name, title in cited if title not in headings("docs/design.md")] == []


@pytest.mark.parametrize("text", OLD_WORDS)
def test_the_old_words_are_gone(text: str) -> None:
    assert places(pattern(text)) == []


def test_the_old_fields_are_gone() -> None:
    assert places(re.compile(OLD_FIELDS.replace("~", ""), re.MULTILINE), besides=("CHANGELOG.md",)) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", texts()[document]):
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        file = (CHECKOUT / document).parent / path if path else CHECKOUT / document
        assert file.is_file(), target
        if fragment:
            there = headings(str(file.resolve().relative_to(CHECKOUT)))
            assert fragment in [anchor(heading) for heading in there], target


@pytest.mark.parametrize("document", [*DOCUMENTS, "README.md", "README.ko.md"])
def test_files_that_are_named_exist(document: str) -> None:
    named = set(
        re.findall(r"`((?:behindy_ops|sandbox|tests|docs|nginx|compose|benchmarks)/[^`\s*<]*)`", texts()[document])
    )
    assert {path for path in named if not (CHECKOUT / path).exists()} <= {"compose/.env", "nginx/real_ip.conf"}


@pytest.mark.parametrize("wrapped", ["\n    # ", ' "\n        f"', "\n"])
def test_a_wrapped_line_is_seen(wrapped: str) -> None:
    assert pattern("what ran before ~runs on").search(f"what ran{wrapped}before runs{wrapped}on")
