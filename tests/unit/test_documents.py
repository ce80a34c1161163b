"""What is written, in code and documents: it refers to nothing outside the repository, and uses the words we chose."""

from __future__ import annotations

import re
from functools import cache

import pytest
from invoke import ParseError
from invoke.parser import Parser
from invoke.parser.context import ParserContext
from markdown_it import MarkdownIt

from behindy_ops.errors import Kind
from behindy_ops.project.services import _HEALTH_KEYS, KEYS
from behindy_ops.tasks import root
from sandbox.tasks import add_to
from tests.unit.pages import (
    CHECKOUT,
    ENGLISH,
    KOREAN,
    PAGES,
    anchors,
    blocks,
    headings,
    in_korean,
    links,
    rows,
    tables,
    target,
    text_of,
    to_be_typed,
    without_code,
)

WRITTEN = ("behindy_ops", "sandbox", "tests", "docs", "nginx", "compose", "benchmarks", "examples", ".github", ".ci")
SUFFIXES = {".md", ".py", ".sh", ".yml", ".conf", ".toml", ".example"}
DOCUMENTS = (*PAGES, "CONTRIBUTING.md", "CHANGELOG.md")

NOT_YET_IN_KOREAN: set[str] = set()
"""Pages that nobody has translated yet. Only ever take one out: a new page comes in both languages."""

TRANSLATED = [page for page in ("README.md", *ENGLISH) if page not in NOT_YET_IN_KOREAN]

NAMED_IN_ONE = {
    ("docs/at-night.md", "upstream"): "a plain word of English, nginx's word in Korean",
    ("docs/design.md", "ids/<the new container's id>"): "what stands for a name is translated",
    ("docs/design.md", "ids/<새 컨테이너의 id>"): "what stands for a name is translated",
    ("docs/handbook.md", "upstream"): "a plain word of English, nginx's word in Korean",
    ("docs/handbook.md", "sleep"): "a plain word of English, the shell's in Korean",
    ("docs/handbook.md", "docs/"): "each page names the folder of its language",
    ("docs/handbook.md", "docs/ko/"): "each page names the folder of its language",
    ("docs/handbook.md", "main"): "the Korean page quotes the team's own text instead",
    ("docs/handbook.md", "Git Push to main"): "quotes the team's own text",
    ("docs/migrations.md", "web-run-<number>"): "what stands for a number is translated",
    ("docs/migrations.md", "web-run-<번호>"): "what stands for a number is translated",
}
"""Inline code that a section has in one language alone, and why."""

WORDS = {
    "0.5": "half a",
    "1": "a|an|one|once|each",
    "2": "two|twice|second",
    "3": "three|third|thirds",
    "4": "four|fourth",
    "5": "five|fifth",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "10": "ten|tenth",
    "12": "twelve|dozen",
    "16": "hex",
    "20": "twenty",
    "1200": "12 megapixels",
}
"""Figures that Korean writes and English says in words, or in other units."""

SAID_OTHERWISE = {("docs/design.md", "12"): "12 megapixels: Korean counts them in ten thousands, 1200만"}
"""Figures of an English section that its Korean counterpart does not have, and why."""

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
    sections = [title for _, title in headings("docs/design.md")]
    assert [(name, title) for name, title in cited if title not in sections] == []


@pytest.mark.parametrize("text", OLD_WORDS)
def test_the_old_words_are_gone(text: str) -> None:
    assert places(pattern(text)) == []


def test_the_old_fields_are_gone() -> None:
    assert places(re.compile(OLD_FIELDS.replace("~", ""), re.MULTILINE), besides=("CHANGELOG.md",)) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in links(document):
        if "://" in link:
            continue
        file, fragment = target(document, link)
        assert (CHECKOUT / file).is_file(), link
        if fragment:
            assert fragment in anchors(file), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    named = set(
        re.findall(r"`((?:behindy_ops|sandbox|tests|docs|nginx|compose|benchmarks)/[^`\s*<]*)`", text_of(document))
    )
    assert {path for path in named if not (CHECKOUT / path).exists()} <= {"compose/.env", "nginx/real_ip.conf"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_to_be_bold_is(document: str) -> None:
    """Two stars behind a quote or a bracket end nothing if a letter follows, as Korean particles do."""
    shown = re.sub(
        r"<code.*?</code>", "", MarkdownIt("commonmark").enable("table").render(text_of(document)), flags=re.DOTALL
    )
    assert re.findall(r".*\*\*.*", shown) == []


@pytest.mark.parametrize(("index", "pages"), [("docs/README.md", ENGLISH), ("docs/ko/README.md", KOREAN)])
def test_each_page_is_in_the_index_of_its_language(index: str, pages: tuple[str, ...]) -> None:
    listed = {target(index, link)[0] for link in links(index) if "://" not in link}
    assert [page for page in pages if page not in listed | {index}] == []


def test_the_korean_index_also_has_what_is_only_in_english() -> None:
    listed = {target("docs/ko/README.md", link)[0] for link in links("docs/ko/README.md") if "://" not in link}
    assert sorted(NOT_YET_IN_KOREAN - listed) == []


def test_each_page_is_in_both_languages_but_for_those_that_are_listed() -> None:
    missing = {page for page in ENGLISH if not (CHECKOUT / in_korean(page)).is_file()}
    assert missing == NOT_YET_IN_KOREAN, "a page without a Korean counterpart, or one that has got it: take it out"
    assert set(KOREAN) <= {in_korean(page) for page in ENGLISH}


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_headings_tables_and_code(page: str) -> None:
    korean = in_korean(page)
    assert [level for level, _ in headings(korean)] == [level for level, _ in headings(page)]
    assert _shape(korean) == _shape(page)
    assert [language for language, _ in blocks(korean)] == [language for language, _ in blocks(page)]
    assert list(to_be_typed(korean)) == list(to_be_typed(page))
    # What is shown is the same in both, and so is code; comments, drawings and trees of files are translated.
    assert [_code(block) for block in blocks(korean)] == [_code(block) for block in blocks(page)]


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_name_the_same_in_each_section(page: str) -> None:
    differ = [
        (heading, span)
        for heading, english, korean in _side_by_side(page)
        for span in sorted(_spans(english) ^ _spans(korean))
        if (page, span) not in NAMED_IN_ONE
    ]
    assert differ == [], "one language promises what the other does not"


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_say_the_same_figures_in_each_section(page: str) -> None:
    differ = []
    for heading, english, korean in _side_by_side(page):
        here, there = _figures(english), _figures(korean)
        differ += [(heading, "English", figure) for figure in sorted(here - there - _otherwise(page))]
        differ += [(heading, "Korean", figure) for figure in sorted(there - here) if not _in_words(figure, english)]
    assert differ == [], "the figures of that section are not those of the other language"


def test_each_exception_is_needed() -> None:
    spans = {(page, span) for page in TRANSLATED for _, a, b in _side_by_side(page) for span in _spans(a) ^ _spans(b)}
    figures = {(page, it) for page in TRANSLATED for _, a, b in _side_by_side(page) for it in _figures(a) - _figures(b)}
    assert (NAMED_IN_ONE.keys() - spans, SAID_OTHERWISE.keys() - figures) == (set(), set())


def test_a_figure_or_a_name_of_one_language_alone_is_seen() -> None:
    assert _spans("The `a b`, and `c\nd`.") == {"a b", "c d"}
    assert _figures("0 of 4,172 in 4.5 s, `x 9`, [2.1 s](a.md#b-7), v8, 22.") == {"0", "4172", "4.5", "2.1", "22"}
    assert _in_words("2", "Twice, under load")
    assert not _in_words("104", "under some 100 requests")


def _side_by_side(page: str) -> list[tuple[str, str, str]]:
    """Each section's heading in Korean, and what stands in it in English and in Korean."""
    korean = in_korean(page)
    titles = ["", *(text for _, text in headings(korean))]
    return list(zip(titles, _sections(page), _sections(korean), strict=True))


def _sections(page: str) -> list[str]:
    return re.split(r"^#+ ", without_code(page), flags=re.MULTILINE)


def _spans(text: str) -> set[str]:
    return {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)}


def _figures(text: str) -> set[str]:
    """The numbers of a text, but for those in code, in a link's target, and in a name; without the thousands' comma."""
    told = re.sub(r"`[^`]+`|\]\([^)]*\)|<[^>]*>", " ", text)
    return {figure.replace(",", "") for figure in re.findall(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)*", told)}


def _otherwise(page: str) -> set[str]:
    return {figure for name, figure in SAID_OTHERWISE if name == page}


def _in_words(figure: str, english: str) -> bool:
    return figure in WORDS and re.search(rf"(?i)\b(?:{WORDS[figure]})\b", english) is not None


def _shape(page: str) -> list[list[tuple[int, list[str]]]]:
    """Of each row of each table, how many cells it has, and what of the first is a name."""
    return [[(len(row), sorted(re.findall(r"`[^`]+`", row[0]))) for row in table] for table in tables(page)]


def _code(block: tuple[str, str]) -> list[str]:
    language, text = block
    if language in {"mermaid", "sh"}:
        return []
    return [re.split(r"(?:^|  | )# |   +(?=\S+ )", line)[0].rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("page", ["README.ko.md", *KOREAN])
def test_a_korean_page_leads_to_korean_ones(page: str) -> None:
    """To the English one only where there is no other, or where the link says so by being the page's own."""
    files = {target(page, link)[0] for link in links(page) if "://" not in link}
    own = {"README.md"} if page == "README.ko.md" else {page.replace("docs/ko/", "docs/", 1)}
    assert [file for file in sorted(files - own) if file in ENGLISH and (CHECKOUT / in_korean(file)).is_file()] == []


TREE = add_to(root())
TASKS = set(TREE.task_names)
OF_OTHERS = {"deploy.search", "deploy.web", "deploy.shop-backend"}
"""Tasks of projects that the documents tell of; the first is added by docs/services.md."""

UNFINISHED = "did not receive required|needed value"
"""What Invoke says of a task or an option that a sentence only names."""

MAY_BE_THERE = r"\[.*|.*\]"
"""What stands in brackets: `[SERVICE]`, `[-- COMMAND]`."""

STANDS_FOR = {"deploy.SERVICE": "deploy.backend", "GROUP": "--list", "TASK": "--list"}


def calls(command: str) -> list[list[str]]:
    """The words behind each `inv` of a line, up to what ends it for a shell."""
    ends = re.split(r"\s(?:&&|\|\|?|;|\d?>>?|<)(?:\s|(?=[\w~./&]))|;\s", command)
    starts = (re.match(r"(?:[A-Z_]+=\S+ +)*(?:\./)?(?:inv|behindy-ops)\s+(.+)", part.strip()) for part in ends)
    return [re.findall(r"'[^']*'|\"[^\"]*\"|\S+", start[1]) for start in starts if start]


def wrong(words: list[str]) -> str:
    """What Invoke says to a command line of a document; nothing if it would run it."""
    words = [STANDS_FOR.get(word, word) for word in words if not re.fullmatch(MAY_BE_THERE, word)]
    words = ["deploy.backend" if word in OF_OTHERS else word for word in words]
    if "--" in words:
        words = words[: words.index("--")]
    if words[0].startswith("--"):
        return ""  # an option of inv itself
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["inv", *words])  # by which a task knows what stands bare behind its name
        patch.setattr("behindy_ops.tasks.options.KNOWN", TASKS)
        try:
            named = [name for name in dict.fromkeys(words) if name in TASKS]
            Parser([ParserContext(name, args=TREE[name].get_arguments()) for name in named]).parse_argv(words)
        except ParseError as error:
            return str(error)
    return ""


def test_a_command_that_does_not_exist_is_seen() -> None:
    assert calls("inv completion zsh >~/.zfunc/_inv; inv lint 2>&1") == [["completion", "zsh"], ["lint"]]
    assert calls("FOO=1 ./inv ops.men | jq . && inv deploy.all --dry-runs") == [
        ["ops.men"],
        ["deploy.all", "--dry-runs"],
    ]
    assert wrong(["ops.men"])
    assert wrong(["deploy.all", "--dry-runs"])
    assert not wrong(["deploy.all", "--dry-run"])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_of_code_blocks_exist_with_their_options(document: str) -> None:
    refused = {
        " ".join(words): said for command in to_be_typed(document) for words in calls(command) if (said := wrong(words))
    }
    assert refused == {}


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_commands_in_the_text_exist_with_their_options(document: str) -> None:
    refused = {
        " ".join(words): said
        for command in re.findall(r"`([^`]+)`", without_code(document))
        for words in calls(" ".join(command.split()))
        if not words[0].endswith((".", ".*")) and (said := wrong(words)) and not re.search(UNFINISHED, said)
    }
    assert refused == {}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_task_is_made_up(document: str) -> None:
    said = set(re.findall(r"\binv ([a-z]+\.[a-z-]+)\b", text_of(document)))
    assert said <= TASKS | OF_OTHERS


@pytest.mark.parametrize("page", ["docs/services.md", "docs/ko/services.md"])
@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_x_deploy_has_its_row(page: str, key: str) -> None:
    (row,) = (cells for cells in rows(page) if cells[0] == f"`{key}`")
    told = " ".join(row[1:])
    if key == "health":
        assert all(f"`{inner}`" in told for inner in _HEALTH_KEYS)


@pytest.mark.parametrize("document", PAGES)
def test_titles_of_errors_have_their_exit_codes(document: str) -> None:
    codes = {kind.title: kind.exit_code for kind in Kind}
    told = re.findall(r"`([a-z ]+)`\s\((\d+)\)", without_code(document))
    assert [(title, code) for title, code in told if codes.get(title, int(code)) != int(code)] == []


@pytest.mark.parametrize("wrapped", ["\n    # ", ' "\n        f"', "\n"])
def test_a_wrapped_line_is_seen(wrapped: str) -> None:
    assert pattern("what ran before ~runs on").search(f"what ran{wrapped}before runs{wrapped}on")
