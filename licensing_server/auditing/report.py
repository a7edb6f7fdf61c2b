"""The transparency report: one page that needs no script, no network and no eyes to be read, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_server.auditing.formats import timestamp
from licensing_server.auditing.statistics import Figure, Summary, Times

_ROW: Final = 42
_BAR: Final = 14
_WIDTH: Final = 420
_LONGEST_BAR: Final = 360
_LONGEST_LABEL: Final = 45
_MOST_UNFOLDED: Final = 20
_DAY_S: Final = 86_400
_STYLE: Final = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8886; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
h1, td, tbody th { overflow-wrap: anywhere; }
tbody td:last-child { width: 45%; }
svg { width: 100%; max-width: 32rem; height: auto; }
svg rect { fill: #4a7dbd; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
code { overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted, over which time (seconds, ``None`` for open), in a log of which checkpoint."""

    summary: Summary
    checkpoint: Checkpoint
    since: int | None
    until: int | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        log = {
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": to_base64(self.checkpoint.root),
        }
        return {"log": log, "since": self.since, "until": self.until, **self.summary.to_json()}

    def to_html(self) -> str:
        """Return it as a page."""
        summary = self.summary
        parts = [
            _figures("Orders by reason", "Reason", summary.by_reason),
            _figures("Orders by kind", "Kind", summary.by_kind),
            _figures("What became of orders", "Step", summary.by_fate),
            _figures("Appeals", "What", (summary.appeals,)),
            _figures("Outcomes of appeals", "Outcome", summary.outcomes),
            _times(summary.times),
        ]
        title = f"Transparency report of {escape(self.checkpoint.origin)}"
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
            f"{self._head()}{''.join(parts)}{_FOOT}</main>\n</body>\n</html>\n"
        )

    def _head(self) -> str:
        begin = "the first entry" if self.since is None else timestamp(self.since)
        end = "the last entry" if self.until is None else timestamp(self.until)
        return (
            f"{_ABOUT}<p>From {begin} to {end}, in a log of {self.checkpoint.size} entries "
            f"with the root <code>{to_base64(self.checkpoint.root)}</code>. Times are UTC.</p>\n"
        )


_ABOUT: Final = """\
<p>An order takes away, limits or gives back what products that were sold may do; those whom it concerns can appeal.
Every order, appeal and answer is an entry in a log, in which nothing can be changed or dropped unseen. This page counts
those entries.</p>
"""
_FOOT: Final = """\
<h2>How to see for yourself</h2>
<p>Every number stands for entries of the log, by their indices. Verify the log, then ask for the proof of any entry:
<code>interlock audit verify</code>, <code>interlock audit prove INDEX</code>. The report counts what was entered; it
cannot count what was never entered.</p>
"""


def _figures(title: str, what: str, figures: Sequence[Figure]) -> str:
    if not any(figure.count for figure in figures):
        return f"<h2>{title}</h2>\n<p>None.</p>\n"
    rows = "".join(
        f'<tr><th scope="row">{_words(figure.name)}</th><td class="number">{figure.count}</td>'
        f"<td>{_indices(figure.indices)}</td></tr>\n"
        for figure in figures
    )
    number, entries = '<th scope="col" class="number">Number</th>', '<th scope="col">Entries of the log</th>'
    head = f'<tr><th scope="col">{what}</th>{number}{entries}</tr>'
    return (
        f"<h2>{title}</h2>\n{_chart(title, figures)}"
        f"<table>\n<caption>{title}</caption>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _chart(title: str, figures: Sequence[Figure]) -> str:
    """Return bars; the table beside them says the same in words."""
    most = max(figure.count for figure in figures)
    bars = []
    for number, figure in enumerate(figures):
        y = number * _ROW
        width = round(_LONGEST_BAR * figure.count / most, 1)
        bars.append(
            f'<text x="0" y="{y + 13}">{_words(_cut(figure.name))}</text>'
            f'<rect x="0" y="{y + 19}" width="{width}" height="{_BAR}"/>'
            f'<text x="{width + 6}" y="{y + 31}">{figure.count}</text>'
        )
    height = len(figures) * _ROW
    label = f"Bar chart: {escape(title)}. The table below holds the same numbers."
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}">{"".join(bars)}</svg>\n'


def _times(times: Sequence[Times]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{found.name}</th><td class="number">{len(found.waits)}</td>'
        f"<td>{_duration(found.median)}</td><td>{_duration(found.longest)}</td><td>{_indices(found.open)}</td></tr>\n"
        for found in times
    )
    pairs = "".join(f"<li>{found.name}: {_pairs(found)}</li>\n" for found in times if found.waits)
    columns = ("What", "Answered", "Median", "Longest", "Entries that wait")
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f"<h2>Response times</h2>\n<table>\n<caption>Response times</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n<p>Which entry answers which:</p>\n<ul>\n{pairs}</ul>\n"
    )


def _pairs(found: Times) -> str:
    told = (f"{wait.asked} → {wait.answered} ({_duration(wait.seconds)})" for wait in found.waits)
    return _folded(", ".join(told), len(found.waits), "answers")


def _indices(indices: Sequence[int]) -> str:
    return _folded(", ".join(map(str, indices)), len(indices), "entries") or "none"


def _folded(told: str, count: int, what: str) -> str:
    """Return a list as it is, or, where it is long, such that it is folded until somebody asks."""
    return told if count <= _MOST_UNFOLDED else f"<details><summary>{count} {what}</summary>{told}</details>"


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "none"
    days, rest = divmod(seconds, _DAY_S)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
