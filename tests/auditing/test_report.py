"""The report counts what is in the log and nothing else, says which entries, and can be read by everybody."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from licensing_protocol.canonical import decode_object
from tests.auditing.conftest import Audited
from tests.auditing.test_commands import audit
from tests.auditing.test_live import ask, settled
from tests.simulators.published_log import BEGUN, PublishedLog, entries, entry

HOUR = 3600


def _act(hours: int, type: str, subject: str, /, **data: Any) -> bytes:
    return entry(0, type=type, subject=subject, time=BEGUN + hours * HOUR, data=data)


LOG = PublishedLog(
    [
        *entries(3),
        _act(1, "order.placed", "order_a", kind="suspend", reason="misuse_reported"),
        _act(2, "order.in_force", "order_a", count=4),
        _act(3, "order.placed", "order_b", kind="revoke", reason="misuse_reported"),
        _act(4, "appeal.recorded", "appeal_a", order="order_a"),
        _act(5, "order.placed", "order_c", kind="reinstate", reason="<script>alert(1)</script>"),
        _act(30, "appeal.answered", "appeal_a", order="order_a", outcome="upheld"),
        _act(31, "appeal.recorded", "appeal_b", order="order_b"),
        _act(32, "case.opened", "case_a"),
        _act(33, "case.acknowledged", "case_a"),
        _act(40, "case.closed", "case_a"),
        _act(50, "order.placed", "order_d", kind="limit"),
    ],
    witnesses=0,
)


class Page(HTMLParser):
    """Collects tags, and refuses a page whose tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return LOG.write(tmp_path / "log")


def report(log: Path, *arguments: str) -> tuple[Any, str]:
    out = log.parent / "report"
    made = audit("report", "--from", log, "--policy", log / "policy", "--out", out, *arguments)
    assert (made.code, made.err) == (0, "")
    return decode_object((out / "report.json").read_bytes()), (out / "index.html").read_text()


def _counts(figures: list[Any]) -> dict[str, list[int]]:
    assert all(figure["count"] == len(figure["indices"]) for figure in figures)
    return {figure["name"]: figure["indices"] for figure in figures}


def test_every_number_names_the_entries_that_it_counts(log: Path) -> None:
    told, _page = report(log)
    assert told["log"] == {"origin": LOG.origin, "size": 14, "root": told["log"]["root"]}
    assert _counts(told["orders"]["by_reason"]) == {
        "misuse_reported": [3, 5],
        "<script>alert(1)</script>": [7],
        "not said": [13],
    }
    assert _counts(told["orders"]["by_kind"]) == {"limit": [13], "reinstate": [7], "revoke": [5], "suspend": [3]}
    assert _counts(told["orders"]["what_became_of_them"]) == {"in_force": [4]}
    assert _counts([told["appeals"]["recorded"]]) == {"appeals": [6, 9]}
    assert _counts(told["appeals"]["outcomes"]) == {"upheld": [8]}


def test_response_times_name_both_entries_and_what_still_waits(log: Path) -> None:
    told, page = report(log)
    force, appeals, cases = told["response_times"]
    assert (force["answers"], force["open"]) == ([{"asked": 3, "answered": 4, "seconds": HOUR}], [5, 7, 13])
    assert (appeals["median_s"], appeals["longest_s"], appeals["open"]) == (26 * HOUR, 26 * HOUR, [9])
    assert cases["answers"] == [{"asked": 10, "answered": 11, "seconds": HOUR}]
    assert "6 → 8 (1 d 2 h)" in page


def test_an_order_that_will_never_take_force_waits_for_nothing(tmp_path: Path) -> None:
    log = PublishedLog(
        [
            _act(1, "order.placed", "order_a", kind="revoke"),
            _act(2, "order.placed", "order_b", kind="revoke"),
            _act(3, "order.placed", "order_c", kind="revoke"),
            _act(4, "order.placed", "order_d", kind="revoke"),
            _act(5, "order.expired", "order_a"),
            _act(6, "order.void", "order_b"),
            _act(7, "order.placed", "order_e", kind="reinstate", undoes="order_c"),
            _act(8, "order.in_force", "order_e"),
            _act(9, "order.placed", "order_f", kind="reinstate", undoes="order_d"),
        ],
        witnesses=0,
    )
    told, _page = report(log.write(tmp_path / "log"))
    force = told["response_times"][0]
    assert (force["open"], force["answers"]) == ([3, 8], [{"asked": 6, "answered": 7, "seconds": HOUR}])


def test_only_the_time_that_was_asked_for_is_counted(log: Path) -> None:
    told, page = report(log, "--since", str(BEGUN + 3 * HOUR), "--until", "2026-02-25T11:00Z")
    assert _counts(told["orders"]["by_reason"]) == {"misuse_reported": [5]}
    assert "From 2026-02-25T09:13:20Z to 2026-02-25T11:00:00Z" in page


def test_the_page_runs_nothing_fetches_nothing_and_says_all_in_tables(log: Path) -> None:
    _told, page = report(log)
    tags = Page(page).tags
    assert {tag for tag, _attributes in tags} & {"script", "img", "link", "iframe", "object", "form"} == set()
    assert not any(name.startswith("on") or name in {"src", "href"} for _tag, found in tags for name in found)
    assert ("html", {"lang": "en"}) in tags
    charts = [found for tag, found in tags if tag == "svg"]
    tables = [tag for tag, _found in tags if tag == "caption"]
    assert all(found["role"] == "img" and "table below" in str(found["aria-label"]) for found in charts)
    assert 0 < len(charts) < len(tables)
    assert all("scope" in found for tag, found in tags if tag == "th")
    assert "&lt;script&gt;" in page
    for svg in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + svg.partition("</svg>")[0] + "</svg>")


def test_the_page_speaks_words_and_keeps_long_lists_folded(tmp_path: Path) -> None:
    many = [_act(n, "order.placed", f"order_{n}", kind="suspend", reason="misuse_reported") for n in range(40)]
    told, page = report(
        PublishedLog([*many, _act(50, "order.placed", "order_x", reason="x" * 90)], witnesses=0).write(tmp_path / "log")
    )
    assert _counts(told["orders"]["by_reason"])["misuse_reported"] == list(range(40))
    assert '<th scope="row">misuse reported</th>' in page
    assert "misuse_reported" not in page
    assert "An order takes away" in page
    folded = page.partition("<details><summary>40 entries</summary>")[2].partition("</details>")[0]
    assert folded == ", ".join(map(str, range(40)))
    # A label has an end that fits beside the number.
    assert f">{'x' * 44}…<" in page


def test_a_bar_is_as_long_as_its_number(log: Path) -> None:
    _told, page = report(log)
    chart = page.split("<svg")[1].partition("</svg>")[0]
    widths = [float(part.partition('"')[0]) for part in chart.split('width="')[1:]]
    assert widths[0] == 2 * widths[1] == 2 * widths[2] > 100


def test_an_empty_log_is_reported_without_a_chart(tmp_path: Path) -> None:
    log = PublishedLog(entries(2), witnesses=0).write(tmp_path / "log")
    told, page = report(log)
    assert told["orders"]["by_reason"] == []
    assert "<svg" not in page
    assert "None." in page


def test_a_running_server_is_reported(audited: Audited, tmp_path: Path) -> None:
    settled(audited)
    made = ask(audited, "report", "--policy", audited.policy, "--out", tmp_path / "report")
    assert made.json == {"folder": str(tmp_path / "report"), "orders": 0, "appeals": 0}
