"""A bundle of evidence: entries, their proofs and the signed checkpoint, in a folder that stands for itself.

A bundle of what a query found proves of each entry that it is in the log. A bundle of a whole range proves besides that
nothing in the range is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.errors import BrokenChain, InterlockError
from licensing_protocol.log.checkpoint import Checkpoint, refuse_contradiction
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.ranges import RangeProof
from licensing_server.auditing.records import Query, Record
from licensing_server.auditing.source import CHECKPOINT, Source
from licensing_server.auditing.verify import Believe, Head, Told, believed

CONTENTS: Final = "bundle.json"
ABOUT: Final = "about.txt"
POLICY: Final = "policy"
RANGE_PROOF: Final = "range.proof"
_ENTRIES: Final = "entries"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle that holds: which entries it proves; ``begin`` and ``end`` where it proves a whole range."""

    checkpoint: Checkpoint
    note: Note
    indices: tuple[int, ...]
    begin: int | None = None
    end: int | None = None


def files_of_found(prover: Prover, found: Sequence[Record], query: Query) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a bundle of what a query found."""
    for record in found:
        yield entry_path(record.index), record.body
        yield proof_path(record.index), prover.inclusion(record.index).to_bytes()
    indices = [record.index for record in found]
    yield CONTENTS, _contents({"kind": "found", "query": query.to_json(), "entries": indices})
    yield CHECKPOINT, prover.note.to_bytes()


def files_of_range(prover: Prover, found: Sequence[Record]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a bundle of a whole range, which has at least one entry."""
    begin, end = found[0].index, found[-1].index + 1
    for record in found:
        yield entry_path(record.index), record.body
    yield RANGE_PROOF, prover.range(begin, end).to_bytes()
    yield CONTENTS, _contents({"kind": "range", "begin": begin, "end": end})
    yield CHECKPOINT, prover.note.to_bytes()


def is_bundle(source: Source) -> bool:
    """Tell whether a folder is a bundle rather than a log."""
    return source.find(CONTENTS) is not None


def verify_bundle(
    source: Source,
    believe: Believe,
    *,
    heads: Sequence[Head] = (),
    by_word: Believe | None = None,
    told: Told = lambda done, of: None,
) -> VerifiedBundle:
    """Verify a bundle: every entry against its proof, every proof against the checkpoint.

    Of the ``heads`` that somebody kept only those of the same size say something about a bundle. ``by_word`` believes
    whatever the log signed: it must stand by a head though no witness has seen it.

    Raises:
        Discrepancy: what is wrong, in which file, with which entry. SourceUnreachable.
    """
    note = source.note()
    checkpoint = believed(Head(CHECKPOINT, note), believe)
    for head in heads:
        try:
            refuse_contradiction(believed(head, by_word or believe), checkpoint)
        except BrokenChain as error:
            raise Discrepancy.at(head.place, error) from error
    contents = _Contents.read(source)
    if contents.is_range:
        _verify_range(source, contents, note, believe, told)
        whole = tuple(range(contents.begin, contents.end))
        verified = VerifiedBundle(checkpoint, note, whole, contents.begin, contents.end)
    else:
        for done, index in enumerate(contents.entries, 1):
            _verify_entry(source, index, note, believe)
            told(done, len(contents.entries))
        verified = VerifiedBundle(checkpoint, note, contents.entries)
    _refuse_unproven(source, verified.indices)
    return verified


def entry_path(index: int) -> str:
    """Return where a bundle keeps an entry."""
    return f"{_ENTRIES}/{index}.json"


def proof_path(index: int) -> str:
    """Return where a bundle keeps an entry's proof."""
    return f"proofs/{index}.tlog-proof"


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a bundle says that it holds: only where to look, nothing to believe."""

    is_range: bool
    entries: tuple[int, ...]
    begin: int
    end: int

    @classmethod
    def read(cls, source: Source) -> _Contents:
        try:
            value = decode_object(source.read(CONTENTS))
        except InterlockError as error:
            raise Discrepancy.at(CONTENTS, error) from error
        kind, listed = value.get("kind"), value.get("entries", [])
        begin, end = value.get("begin", 0), value.get("end", 0)
        numbers = [begin, end, *(listed if isinstance(listed, list) else [None])]
        sound = value.get("v") == _VERSION and kind in {"found", "range"}
        sound = sound and all(type(number) is int and number >= 0 for number in numbers)
        if not sound or sorted(set(listed)) != listed or (kind == "range" and begin >= end):
            sentence = f"{CONTENTS} does not say what the bundle holds."
            raise Discrepancy(sentence, code="audit.contents", place=CONTENTS)
        return cls(kind == "range", tuple(listed), begin, end)


def _contents(value: dict[str, Any]) -> bytes:
    return encode({"v": _VERSION} | value)


def _refuse_unproven(source: Source, indices: Sequence[int]) -> None:
    """Refuse what lies among the entries, and would be taken for one, though no proof is about it."""
    proven = set(map(entry_path, indices))
    for name in source.names(_ENTRIES):
        path = f"{_ENTRIES}/{name}"
        # What begins with a dot is a file manager's own, and shown to nobody.
        if path not in proven and not name.startswith("."):
            sentence = f"{path} lies among the entries, and the bundle proves nothing of it."
            raise Discrepancy(sentence, code="audit.unproven", place=path)


def _verify_entry(source: Source, index: int, note: Note, believe: Believe) -> None:
    place = proof_path(index)
    try:
        proof = TlogProof.parse(source.read(place))
        body = source.read(entry_path(index))
        _refuse_other(place, proof.note, note)
        if proof.index != index:
            sentence = f"{place} is about entry {proof.index}."
            raise Discrepancy(sentence, code="audit.index", place=place, index=index)
        proof.verify(body, believe)
    except Discrepancy:
        raise
    except InterlockError as error:
        sentence = f"Entry {index} is not proven: {error}"
        raise Discrepancy(sentence, code=error.code, place=place, index=index) from error


def _verify_range(source: Source, contents: _Contents, note: Note, believe: Believe, told: Told) -> None:
    try:
        proof = RangeProof.parse(source.read(RANGE_PROOF))
        _refuse_other(RANGE_PROOF, proof.note, note)
        if (proof.begin, proof.end) != (contents.begin, contents.end):
            sentence = f"{RANGE_PROOF} is about the entries from {proof.begin} to {proof.end - 1}."
            raise Discrepancy(sentence, code="audit.contents", place=RANGE_PROOF, index=proof.begin)
        leaves = []
        for index in range(proof.begin, proof.end):
            leaves.append(leaf_hash(source.read(entry_path(index))))
            told(index + 1 - proof.begin, proof.end - proof.begin)
        proof.verify(leaves, believe)
    except Discrepancy as error:
        raise Discrepancy(str(error), code=error.code, place=error.place or RANGE_PROOF, index=error.index) from error
    except InterlockError as error:
        raise Discrepancy.at(RANGE_PROOF, error) from error


def _refuse_other(place: str, note: Note, checkpoint: Note) -> None:
    if note.text != checkpoint.text:
        sentence = f"{place} carries another checkpoint than the bundle."
        raise Discrepancy(sentence, code="audit.other_checkpoint", place=place)
