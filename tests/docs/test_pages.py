"""Links lead somewhere, and a block that is not run says why."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from licensing_protocol.canonical import decode
from tests.docs.pages import ROOT, RUN, blocks, links, pages

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]


LINKED = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in sorted((ROOT / "examples").rglob("*.md"))]


@pytest.mark.parametrize("page", [*PAGES, *LINKED])
def test_relative_links_lead_to_a_file(page: Path) -> None:
    lost = [
        target
        for target in links(page)
        if not (parts := urlsplit(target)).scheme and parts.path and not (page.parent / parts.path).exists()
    ]
    assert lost == []


@pytest.mark.parametrize("page", PAGES)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    for block in blocks(page):
        if block.language in RUN and block.kind == "not run":
            assert len(block.value.split()) >= 3, block.place


@pytest.mark.parametrize("page", PAGES)
def test_json_on_a_page_is_json(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            decode(block.text.encode("utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_an_excerpt_stands_in_the_file_that_it_names(page: Path) -> None:
    for block in blocks(page):
        if block.kind == "excerpt":
            code = _unindented((ROOT / block.value).read_text("utf-8"))
            lost = [part for part in block.text.split("\n\n") if _unindented(part) not in code]
            assert lost == [], block.place


def test_the_readme_shows_how_to_embed_the_agent() -> None:
    (excerpt,) = (block for block in blocks(ROOT / "README.md") if block.kind == "excerpt")
    assert "Agent.open(" in excerpt.text
    assert "agent.use(" in excerpt.text


def test_code_is_marked_with_a_language_that_the_tests_know() -> None:
    known = RUN | {"", "json", "text", "mermaid", "ini", "nginx"}
    unknown = [block.place for page in pages() for block in blocks(page) if block.language not in known]
    assert unknown == []


def _unindented(text: str) -> str:
    """Return the text without what stands before each line: an excerpt is shown without its surroundings."""
    return "\n".join(line.strip() for line in text.splitlines()).strip()
