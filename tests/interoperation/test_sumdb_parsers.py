"""Go's checksum database and this project read the same notes and the same paths of tiles, however they are mangled."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import Tile
from tests.interoperation.sumdb import Sumdb
from tests.simulators.published_log import PublishedLog, entries

LOG = PublishedLog(entries(3), witnesses=2)
KEY = LOG.log.key
SOUND = LOG.note().to_bytes()

# What the lines of a note are made of, and what must not be in them.
PIECES = [
    b"",
    b"\n",
    b"\n\n",
    b" ",
    b"\xe2\x80\x94 ",
    b"+",
    b"=",
    b"A",
    b"\t",
    b"\r",
    b"\x00",
    b"\xff",
    b"\xc2\xa0",
    SOUND,
]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    note = SOUND
    for _ in range(draw(st.integers(0, 3))):
        at, width = draw(st.integers(0, len(note))), draw(st.sampled_from([0, 1, 2, 40]))
        note = note[:at] + draw(st.sampled_from(PIECES)) + note[at + width :]
    return note


def has_one_spelling(note: bytes) -> bool:
    """Tell whether no line ends in base64 that would be written otherwise: Go takes it, and here it is refused."""
    for line in note.split(b"\n"):
        word = line.rpartition(b" ")[2]
        try:
            if base64.b64encode(base64.b64decode(word, validate=True)) != word:
                return False
        except ValueError:
            continue
    return True


def opened(note: bytes) -> str:
    try:
        parsed = Note.parse(note)
        parsed.verify([KEY])
    except InterlockError:
        return ""
    return parsed.text


@given(mangled().filter(has_one_spelling))
@settings(max_examples=1500)
def test_notes(sumdb: Sumdb, note: bytes) -> None:
    assert opened(note) == sumdb.ask("open", vkey=str(KEY), note=to_base64(note))["text"]


DIGITS = st.text("0123", min_size=2, max_size=4)
GROUP = st.builds(
    str.__add__, st.sampled_from(["x", "x", "x", ""]), st.one_of(st.text("0123", min_size=3, max_size=3), DIGITS)
)
PATHS = st.builds(
    lambda level, groups, last, partial: "/".join([level, *groups, last]) + partial,
    # Go knows no highest level; that of tlog-tiles is 63.
    st.one_of(st.just("entries"), st.integers(-1, 63).map(str), DIGITS.filter(lambda level: int(level) <= 63)),
    st.lists(GROUP, max_size=3),
    st.one_of(st.text("0123", min_size=3, max_size=3), GROUP),
    st.one_of(st.just(""), st.integers(-1, 300).map(".p/{}".format), DIGITS.map(".p/{}".format)),
)


def is_path(path: str) -> bool:
    try:
        Tile.parse(path)
    except MalformedDocument:
        return False
    return True


@given(PATHS)
@settings(max_examples=1500)
def test_paths_of_tiles(sumdb: Sumdb, path: str) -> None:
    others = "tile/8/" + path.replace("entries/", "data/")
    assert is_path(f"tile/{path}") == (sumdb.ask("path", path=others)["error"] == "")
