"""What people read: instants with their zone, whole ids, and nothing that steers their terminal."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from licensing_protocol import canonical
from licensing_server.cli.output import Output, instant, plain, readable


def test_instants_are_in_utc_and_say_so() -> None:
    assert readable("opened_at", 1_771_000_000) == "2026-02-13 16:26:40 UTC"
    assert readable("expires", None) == "-"
    assert readable("version", 1_771_000_000) == "1771000000"
    assert instant(2**53) == "9007199254740992 s since 1970 UTC"


@given(st.text())
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    shown = plain(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    if all(character.isprintable() for character in text):
        assert shown == text


def test_a_table_holds_whole_ids_and_no_markup() -> None:
    file = io.StringIO()
    identity = "AQ" * 40
    Output(as_json=False, stdout=file).rows([{"id": identity, "text": "[bold]\x1b[31mred"}], ("id", "text"))
    assert identity in file.getvalue()
    assert "[bold]\\u001b[31mred" in file.getvalue()
    assert all(line == line.rstrip() for line in file.getvalue().splitlines())


_Texts = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(_Texts, st.none() | st.booleans() | _Texts | st.integers(-(2**53) + 1, 2**53 - 1)))
def test_json_is_one_line_that_reads_back(value: dict[str, object]) -> None:
    file = io.StringIO()
    Output(as_json=True, stdout=file).record(value)
    line, end, rest = file.getvalue().partition("\n")
    assert (end, rest) == ("\n", "")
    assert canonical.decode(line.encode()) == value
