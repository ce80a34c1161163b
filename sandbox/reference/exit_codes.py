"""The page of exit codes: what each means, and what to type first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.host.exit_codes import Code
from sandbox.reference.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.reference.markdown import Page

_ABOVE = """
Made from the code by ./inv docs. 0 is success, and also that a release was live already. The title stands in the
error's first line; below it an error says what happened, in which state the host is, and what to type next, more
exactly than this table can. With --json it is an object: docs/reference/json.md.

The tens say where to look: 1x before the host was reached, 2x the lock, 3x the host is not ready, 4x the image, 5x
the release, 6x what was looked at, 8x setting a host up, its values and its database.
"""
_BELOW = """
The tasks ops.exec and ops.run end with the exit code of the command that they ran. 141 means that nobody read the
output any more, as with | head.
"""
_SCRIPTS = """
What the scripts on the host report by name is one of the codes above. The sentence of the error, its code, and what
it says to do; names in braces are filled in.
"""


def page(page: Page) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from (f"# {page.text('Exit codes')}", "")
    yield from page.paragraphs(_ABOVE)
    head = [page.text(text) for text in ("code", "title", "meaning", "what to do first")]
    yield from (*table(head, [_row(page, kind) for kind in Kind]), "")
    yield from page.paragraphs(_BELOW)
    yield from (f"## {page.text('What the host reports')}", "", *page.paragraphs(_SCRIPTS))
    head = [page.text(text) for text in ("sentence", "code", "what it says to do")]
    known = [(code, code.kind) for code in Code if code.kind is not None]
    # The sentence is what the reader has seen, so it stays as it is.
    rows = [(page.marked(code.what), str(kind.exit_code), page.text(code.remedy)) for code, kind in known]
    yield from table(head, rows)


def number(kind: Kind) -> str:
    """Return the code as the page has it: that of an interruption depends on the signal."""
    return "129, 130, 143" if kind is Kind.INTERRUPTED else str(kind.exit_code)


def _row(page: Page, kind: Kind) -> tuple[str, ...]:
    return number(kind), kind.title, page.text(kind.meaning), page.text(kind.advice)
