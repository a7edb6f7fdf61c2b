"""A bundle stands for itself: what it proves holds for whoever gets the folder, and a changed one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.errors import InterlockError
from licensing_server.auditing import Discrepancy, Head
from licensing_server.auditing.evidence import files_of_found, files_of_range, verify_bundle
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.records import Query, Record
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer
from tests.simulators.published_log import BEGUN, Files, PublishedLog, another, entries

LOG = PublishedLog(entries(300))
PROVER = Prover(Files(LOG.files()), LOG.note())
RECORDS = [Record.parse(index, body) for index, body in enumerate(LOG.entries)]
QUERY = Query(actor="person_1", since=BEGUN + 270)
FOUND = dict(files_of_found(PROVER, [record for record in RECORDS if QUERY.fits(record)], QUERY))
RANGE = dict(files_of_range(PROVER, RECORDS[100:140]))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return LOG.write(tmp_path / "log")


def bundle(log: Path, *arguments: str) -> tuple[Path, Answer]:
    out = log.parent / "evidence"
    return out, audit("bundle", "--from", log, "--policy", log / "policy", "--out", out, *arguments, "--json")


def test_a_query_s_bundle_proves_inclusion_and_says_that_it_proves_no_more(log: Path) -> None:
    out, made = bundle(log, "--actor", "person_1", "--since", str(BEGUN + 270))
    assert made.json["proves"] == "inclusion"
    assert made.json["entries"] == list(range(271, 300, 3))
    about = (out / "about.txt").read_text()
    assert "actor person_1" in about
    assert "others may have been left out" in about
    assert f"{LOG.origin}" in about
    held = audit("verify", out, "--policy", log / "policy", "--json").json
    assert (held["proves"], held["entries"]) == ("inclusion", made.json["entries"])
    assert "is not proven" in audit("verify", out, "--policy", log / "policy").out
    one = out / "proofs/271.tlog-proof"
    assert audit("verify-proof", one, "--entry", out / "entries/271.json", "--policy", out / "policy").code == 0


@pytest.mark.parametrize(("text", "begin", "end"), [("100:140", 100, 140), ("256:", 256, 300), ("0:900", 0, 300)])
def test_a_range_s_bundle_proves_that_nothing_is_missing(log: Path, text: str, begin: int, end: int) -> None:
    out, made = bundle(log, "--range", text)
    assert made.json["proves"] == "completeness"
    assert "none of them is missing" in (out / "about.txt").read_text()
    held = audit("verify", out, "--policy", log / "policy", "--json").json
    assert (held["proves"], held["begin"], held["end"]) == ("completeness", begin, end)
    assert "none is missing" in audit("verify", out, "--policy", log / "policy").out
    (out / "entries" / f"{begin}.json").unlink()
    assert audit("verify", out, "--policy", log / "policy", "--json").failure["code"] == "audit.missing"


def test_a_bundle_is_believed_by_the_reader_s_policy_not_its_own(log: Path, tmp_path: Path) -> None:
    out, _made = bundle(log, "--range", "0:3")
    stranger = tmp_path / "mine"
    stranger.write_text(PublishedLog(origin=LOG.origin).policy_text)
    failed = audit("verify", out, "--policy", stranger, "--json").failure
    assert (failed["code"], failed["place"]) == ("note.unsigned", "checkpoint")
    assert audit("verify", out, "--json").failure["code"] == "audit.trust"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--range", "5:5"), "command.usage"),
        (("--range", "x"), "command.usage"),
        (("--range", "1:2", "--actor", "a"), "command.usage"),
        (("--since", "yesterday"), "audit.time"),
        (("--actor", "nobody"), "audit.nothing_found"),
        (("--range", "300:"), "audit.nothing_found"),
    ],
)
def test_what_cannot_be_bundled_leaves_no_folder(log: Path, arguments: tuple[str, ...], code: str) -> None:
    out, made = bundle(log, *arguments)
    assert made.failure["code"] == code
    assert not out.exists()


def test_a_folder_that_is_there_is_left_alone(log: Path) -> None:
    bundle(log, "--range", "0:3")
    _out, again = bundle(log, "--range", "0:4")
    assert (again.code, again.failure["code"]) == (2, "file.exists")


def test_a_log_that_does_not_hold_makes_no_bundle(log: Path) -> None:
    (log / "tile/0/000").write_bytes(bytes(8192))
    out, made = bundle(log, "--range", "290:")
    assert made.failure["code"] == "audit.tile"
    assert not out.exists()


def test_entries_are_found_by_order_text_type_and_time() -> None:
    assert [record.index for record in RECORDS if Query(text='NUMBER":7}').fits(record)] == [7]
    assert all(Query(type=kind).fits(RECORDS[0]) for kind in ("device.", "device.tagged"))
    assert not any(Query(type=kind).fits(RECORDS[0]) for kind in ("device", "device.t.", "order."))
    assert [record.index for record in RECORDS if Query(since=BEGUN + 3, until=BEGUN + 5).fits(record)] == [3, 4]


def test_a_kept_checkpoint_of_the_same_size_must_be_the_same() -> None:
    verify_bundle(Files(RANGE), LOG.policy.verify, heads=[Head("mine", LOG.note(4)), Head("yours", LOG.note())])
    with pytest.raises(InterlockError) as caught:
        verify_bundle(Files(RANGE), LOG.policy.verify, heads=[Head("theirs", LOG.note(root=bytes(32)))])
    assert getattr(caught.value, "code", "") == "checkpoint.split_view"


@pytest.mark.parametrize(("files", "path"), [(FOUND, "proofs/274.tlog-proof"), (RANGE, "range.proof")])
def test_every_proof_is_against_the_checkpoint_of_the_bundle(files: dict[str, bytes], path: str) -> None:
    smaller = Prover(Files(LOG.files(290)), LOG.note(290))
    proof = smaller.inclusion(274) if files is FOUND else smaller.range(100, 140)
    with pytest.raises(Discrepancy) as caught:
        verify_bundle(Files(files | {path: proof.to_bytes()}), LOG.policy.verify)
    assert (caught.value.code, caught.value.place) == ("audit.other_checkpoint", path)


def test_a_proof_of_another_entry_is_refused() -> None:
    other = {"proofs/274.tlog-proof": FOUND["proofs/277.tlog-proof"], "entries/274.json": FOUND["entries/277.json"]}
    with pytest.raises(Discrepancy) as caught:
        verify_bundle(Files(FOUND | other), LOG.policy.verify)
    assert (caught.value.code, caught.value.index) == ("audit.index", 274)


@pytest.mark.parametrize(
    ("files", "path", "at", "code", "place", "index"),
    [
        (FOUND, "entries/274.json", 20, "proof.inclusion", "proofs/274.tlog-proof", 274),
        (FOUND, "proofs/274.tlog-proof", (0, 0), "tlog_proof.malformed", "proofs/274.tlog-proof", 274),
        (FOUND, "proofs/274.tlog-proof", (1, -1), "audit.index", "proofs/274.tlog-proof", 274),
        (FOUND, "proofs/274.tlog-proof", (2, 5), "proof.inclusion", "proofs/274.tlog-proof", 274),
        (FOUND, "proofs/274.tlog-proof", (-4, 5), "audit.other_checkpoint", "proofs/274.tlog-proof", None),
        (FOUND, "proofs/274.tlog-proof", (-2, -20), "note.signature", "proofs/274.tlog-proof", 274),
        (FOUND, "bundle.json", 14, "audit.missing", "proofs/270.tlog-proof", None),
        (RANGE, "entries/107.json", 20, "audit.range", "range.proof", 100),
        (RANGE, "range.proof", (0, 0), "range_proof.malformed", "range.proof", None),
        (RANGE, "range.proof", (1, -1), "audit.contents", "range.proof", 101),
        (RANGE, "range.proof", (3, 5), "audit.range", "range.proof", 100),
        (RANGE, "range.proof", (-4, 5), "audit.other_checkpoint", "range.proof", None),
        (RANGE, "range.proof", (-2, -20), "note.signature", "range.proof", None),
        (RANGE, "bundle.json", -2, "audit.contents", "bundle.json", None),
        (RANGE, "checkpoint", (0, 0), "checkpoint.origin", "checkpoint", None),
        (RANGE, "checkpoint", (1, 0), "note.signature", "checkpoint", None),
        (RANGE, "checkpoint", (2, 5), "note.signature", "checkpoint", None),
        (RANGE, "checkpoint", (4, -20), "note.signature", "checkpoint", None),
        (RANGE, "checkpoint", (5, -20), "note.signature", "checkpoint", None),
    ],
)
def test_a_flipped_byte_of_a_bundle_is_named(
    files: dict[str, bytes], path: str, at: int | tuple[int, int], code: str, place: str, index: int | None
) -> None:
    data = bytearray(files[path])
    spot = at if isinstance(at, int) else _in_line(files[path], *at)
    data[spot] = another(data[spot])
    changed = Files(files | {path: bytes(data)})
    with pytest.raises(Discrepancy) as caught:
        verify_bundle(changed, LOG.policy.verify)
    assert (caught.value.code, caught.value.place, caught.value.index) == (code, place, index)


def _in_line(data: bytes, line: int, at: int) -> int:
    """Return where a byte of a line is."""
    lines = data.splitlines()
    line %= len(lines)
    return sum(len(found) + 1 for found in lines[:line]) + at % len(lines[line])


@given(st.data())
@settings(deadline=None, max_examples=400)
def test_a_bundle_with_flipped_bits_is_never_accepted(data: st.DataObject) -> None:
    files = Files(data.draw(st.sampled_from([FOUND, RANGE])))
    path = data.draw(st.sampled_from(sorted(set(files.files) - {"bundle.json"})))
    files.change(path, data.draw(st.integers(0, len(files.files[path]) - 1)), data.draw(st.integers(1, 255)))
    with pytest.raises(InterlockError):
        verify_bundle(files, LOG.policy.verify)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_flipped_contents_never_prove_more(data: st.DataObject) -> None:
    files = Files(data.draw(st.sampled_from([FOUND, RANGE])))
    before = verify_bundle(files, LOG.policy.verify)
    at = data.draw(st.integers(0, len(files.files["bundle.json"]) - 1))
    files.change("bundle.json", at, data.draw(st.integers(1, 255)))
    try:
        after = verify_bundle(files, LOG.policy.verify)
    except InterlockError:
        return
    assert (set(after.indices) <= set(before.indices), after.begin, after.end) == (True, before.begin, before.end)
