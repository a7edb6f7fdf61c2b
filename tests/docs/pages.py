"""Reads the documentation's pages: their blocks of code, and what a comment above each says of it.

A block of Python or shell is run. Above it a comment may stand:

``<!-- in: WORLD -->``        the page's blocks run in a set-up of that name (:mod:`tests.docs.worlds`)
``<!-- not run: REASON -->``  the block is not run, and why
``<!-- test: NAME -->``       the block, of whatever language, is given to a test of that name
``<!-- excerpt: FILE -->``    the block stands in that file of the project, which other tests run
``<!-- file: NAME -->``       the block is what the reader saves in a file of that name
``<!-- set: NAME from LIST -->``  NAME is set to the last id that the command LIST shows
``<!-- background -->``       the shell block goes on running in another terminal
``<!-- output -->``           the block is what the one before writes; ``…`` stands for anything
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_NOTE = re.compile(
    r"<!-- (?P<kind>not run|test|excerpt|file|set|background|output)(?:: (?P<value>(?:(?!-->).)*?))? -->\s*\Z",
    re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
RUN = frozenset({"python", "sh"})


@dataclass(frozen=True, slots=True)
class Block:
    """One block: ``line`` is where its text begins; ``kind`` and ``value`` are those of the comment above."""

    page: Path
    line: int
    language: str
    text: str
    kind: str = ""
    value: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every page: the site's, and those beside it."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in their order."""
    text = page.read_text("utf-8")
    return list(_blocks(page, text))


def world(page: Path) -> str:
    """Return the name of the set-up in which a page's blocks run."""
    named = re.search(r"^<!-- in: (\w+) -->$", page.read_text("utf-8"), re.MULTILINE)
    return named[1] if named else ""


def links(page: Path) -> list[str]:
    """Return the targets of a page's links."""
    return _LINK.findall(_FENCE.sub("", page.read_text("utf-8")))


def _blocks(page: Path, text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        note = _NOTE.search(text[: match.start()])
        kind, value = (note["kind"], note["value"] or "") if note else ("", "")
        line = text.count("\n", 0, match.start("text")) + 1
        yield Block(page, line, match["language"], match["text"], kind, value)
