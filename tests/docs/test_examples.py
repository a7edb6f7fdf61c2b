"""The examples on the pages run, in the order in which a reader meets them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs import live, shell
from tests.docs.live import Exporter
from tests.docs.pages import ROOT, Block, blocks, pages, world
from tests.docs.worlds import TESTS, WORLDS


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A running server with a product and an end-user."""
    with live.running(tmp_path_factory.mktemp("exporter")) as exporter:
        yield exporter


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _python(page: Path) -> list[Block]:
    return [
        block
        for block in blocks(page)
        if block.language == "python" and block.kind not in {"not run", "file", "excerpt"}
    ]


PYTHON = [pytest.param(page, id=_name(page)) for page in pages() if _python(page)]
SHELL = [pytest.param(page, id=_name(page)) for page in pages() if shell.has_shell(blocks(page))]
TESTED = [pytest.param(block, id=block.place) for page in pages() for block in blocks(page) if block.kind == "test"]


@pytest.mark.parametrize("page", PYTHON)
def test_the_python_of_a_page_runs(
    page: Path, exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = WORLDS[world(page)](exporter, tmp_path, page.stem)
    try:
        for block in _python(page):
            reader.before(block)
            # Empty lines in front, so that a traceback names the page's own line.
            exec(compile("\n" * (block.line - 1) + block.text, block.place, "exec"), reader.names)
    finally:
        reader.after()


@pytest.mark.parametrize("block", TESTED)
def test_a_block_passes_the_test_that_it_names(block: Block, exporter: Exporter) -> None:
    TESTS[block.value](exporter, block.text)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", SHELL)
def test_the_commands_of_a_page_run_and_write_what_it_shows(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    port = live.free_port()
    if world(page) == "exporter":
        environment = _staff(request.getfixturevalue("exporter"))
    else:
        address = f"http://127.0.0.1:{port}"
        environment = {"INTERLOCK_PORT": str(port), "INTERLOCK_SERVER": address, "INTERLOCK_PUBLIC_URL": address}
    found = blocks(page)
    written = shell.run(found, tmp_path, live.environment(PYTHONPATH=str(ROOT), **environment), port)
    for before, block in pairwise(found):
        if block.kind == "output":
            shown = block.text.replace(shell.PORT, str(port))
            assert shell.agrees(shown, written[before.line]), f"{block.place}\n{written[before.line]}"


def _staff(exporter: Exporter) -> dict[str, str]:
    """Return what a member of staff has at hand: their server and token, and the ids that a page speaks of."""
    return {
        "INTERLOCK_SERVER": exporter.address,
        "INTERLOCK_TOKEN_FILE": str(exporter.token_file),
        "DEVICE": exporter.device(),
        "PARTY": exporter.end_user,
    }


def test_examples_of_every_kind_are_found() -> None:
    assert PYTHON
    assert SHELL
    assert TESTED
