"""One pagination for all lists: nothing twice, nothing missed, whatever is added meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_server.config import Settings
from tests.server.exporter import Exporter

COUNT = 9


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A server with some parties, made within the same second or two."""
    folder: Path = tmp_path_factory.mktemp("registry")
    exporter = Exporter.begin(Settings(data_dir=folder / "data"))
    for number in range(COUNT):
        exporter.post("/v1/parties", {"name": f"Party {number}", "country": "PT"})
    yield exporter
    exporter.end()


@given(sizes=st.lists(st.integers(1, COUNT + 2), min_size=1, max_size=4), added=st.integers(0, 2))
@settings(max_examples=12, deadline=None)
def test_pages_of_any_size_give_each_once_in_their_order(registry: Exporter, sizes: list[int], added: int) -> None:
    whole = [party["id"] for party in registry.all("/v1/parties?country=PT")]
    found: list[str] = []
    cursor, page = "", 0
    while True:
        size = sizes[page % len(sizes)]
        answer = registry.get(f"/v1/parties?country=PT&limit={size}{cursor}")
        assert len(answer["items"]) <= size
        found += [party["id"] for party in answer["items"]]
        if page == 0:
            for _ in range(added):
                registry.post("/v1/parties", {"name": "Late", "country": "ES"})
        if answer["next"] is None:
            break
        cursor, page = f"&cursor={answer['next']}", page + 1
    assert found == whole
    assert len(whole) == COUNT


def test_what_is_added_while_reading_comes_later(exporter: Exporter) -> None:
    exporter.settle()
    first = exporter.get("/v1/log/entries?limit=5")
    exporter.post("/v1/parties", {"name": "Late", "country": "ES"})
    exporter.settle()
    rest = exporter.all("/v1/log/entries", limit=3)
    assert rest[:5] == first["items"]
    assert rest[-1]["type"] in {"party.added", "case.opened"}
    assert [entry["index"] for entry in rest] == list(range(len(rest)))


def test_a_cursor_of_another_list_or_none_is_refused(exporter: Exporter) -> None:
    exporter.settle()
    cursor = exporter.get("/v1/log/entries?limit=1")["next"]
    for wrong in (cursor, cursor + "A", "W10", "W3RydWVd", "bnVsbA", "eyJhIjoxfQ", "WyIAIiwiIl0"):
        refused = exporter.ask("GET", f"/v1/parties?cursor={wrong}")
        assert (refused.status_code, refused.json()["code"]) == (422, "page.cursor"), wrong
