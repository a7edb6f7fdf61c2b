"""Verifies a whole log: every entry hashed again, every hash that it shows, every checkpoint that somebody kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint, refuse_contradiction
from licensing_protocol.log.merkle import EMPTY_ROOT
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import WIDTH, Tile
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.source import CHECKPOINT, Source
from licensing_server.auditing.tree import Stray, Tree, differing, root_above

# Whom to believe: the policy's verify, or another function that raises.
Believe: TypeAlias = Callable[[Note], Checkpoint]
# Called with how many entries are done, of how many.
Told: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that somebody kept, and where."""

    place: str
    note: Note


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that holds: its checkpoint, and the roots over each 256 of its leaves (the last over what is left).

    ``earlier`` counts the other checkpoints that it grew from.
    """

    checkpoint: Checkpoint
    note: Note
    groups: tuple[bytes, ...]
    earlier: int = 0


def verify_log(
    source: Source,
    believe: Believe,
    *,
    heads: Sequence[Head] = (),
    by_word: Believe | None = None,
    told: Told = lambda done, of: None,
) -> Verified:
    """Verify a log against its checkpoint, and against the ``heads`` that somebody kept.

    ``by_word`` believes whatever the log signed: it must stand by a head though no witness has seen it.

    Raises:
        Discrepancy: what is wrong, in which file and from which entry on. SourceUnreachable.
    """
    newest = Head(CHECKPOINT, source.note())
    checkpoint = believed(newest, believe)
    earlier = [(head.place, believed(head, by_word or believe)) for head in heads]
    for place, head in earlier:
        _refuse_larger(place, head, checkpoint)
    tree = Tree(frozenset(head.size for _, head in earlier))
    for first in range(0, checkpoint.size, WIDTH):
        tree.take(source, first // WIDTH, min(WIDTH, checkpoint.size - first))
        told(min(first + WIDTH, checkpoint.size), checkpoint.size)
    _refuse_other_tree(source, tree, checkpoint, [head for _, head in earlier])
    for place, head in earlier:
        _refuse_other_history(place, head, tree)
    return Verified(checkpoint, newest.note, tuple(tree.groups), len(earlier))


def believed(head: Head, believe: Believe) -> Checkpoint:
    """Return the checkpoint of a head; Discrepancy with the code of what is wrong with it."""
    try:
        return believe(head.note)
    except InterlockError as error:
        raise Discrepancy.at(head.place, error) from error


def of_other_log(place: str, head: Checkpoint, newest: Checkpoint) -> Discrepancy:
    """Return what is wrong with a head that somebody kept of another log."""
    sentence = f"{place} is of the log {head.origin!r}, and this is {newest.origin!r}."
    return Discrepancy(sentence, code="audit.origin", place=place)


def _refuse_larger(place: str, head: Checkpoint, newest: Checkpoint) -> None:
    if head.origin != newest.origin:
        raise of_other_log(place, head, newest)
    if head.size > newest.size:
        sentence = f"The log has shrunk: {place} signs {head.size} entries, and now it shows {newest.size}."
        raise Discrepancy(sentence, code="audit.shrunk", place=place, index=newest.size)
    try:
        refuse_contradiction(head, newest)
    except InterlockError as error:
        raise Discrepancy.at(place, error) from error


def _refuse_other_tree(source: Source, tree: Tree, checkpoint: Checkpoint, earlier: Sequence[Checkpoint]) -> None:
    is_of_entries = tree.root() == checkpoint.root
    if tree.stray is not None:
        raise _of_stray(tree.stray, tile_is_wrong=is_of_entries and tree.stray.reads)
    if not is_of_entries:
        raise _of_root(source, tree, checkpoint, earlier)
    wrong = differing(source, tree.groups, checkpoint.size)
    if wrong is not None:
        tile, index = wrong
        sentence = f"{tile.path} does not show the tree's hashes, from the one over entry {index} on."
        raise Discrepancy(sentence, code="audit.tile", place=tile.path, index=index)


def _of_stray(stray: Stray, *, tile_is_wrong: bool) -> Discrepancy:
    if tile_is_wrong:
        sentence = f"{stray.tile} does not show the hash of entry {stray.index}; the entry itself is the signed one."
        return Discrepancy(sentence, code="audit.tile", place=stray.tile, index=stray.index)
    if stray.belongs is not None:
        sentence = f"Entries stand in another order than the tree's: at {stray.index} is the one of {stray.belongs}."
        return Discrepancy(sentence, code="audit.order", place=stray.place, index=stray.index)
    if not stray.reads:
        sentence = f"{stray.place} cannot be divided into its entries: from {stray.index} on their lengths do not fit."
        return Discrepancy(sentence, code="audit.entry_length", place=stray.place, index=stray.index)
    sentence = f"Entry {stray.index} was changed: its bytes are not those that the tree holds."
    return Discrepancy(sentence, code="audit.entry", place=stray.place, index=stray.index)


def _of_root(source: Source, tree: Tree, checkpoint: Checkpoint, earlier: Sequence[Checkpoint]) -> Discrepancy:
    """Say why entries and hashes that fit each other do not lead to the signed root, as closely as can be told."""
    wrong = differing(source, tree.groups, checkpoint.size)
    if wrong is not None and root_above(source, checkpoint.size) == checkpoint.root:
        index = wrong[1]
        sentence = f"An entry from {index} to {index + WIDTH - 1} was changed, and its hash with it."
        return Discrepancy(sentence, code="audit.entry", place=Tile(None, index // WIDTH).path, index=index)
    agreed = max((head.size for head in earlier if tree.early.get(head.size) == head.root), default=0)
    sentence = "The entries do not lead to the root that the checkpoint signs"
    sentence += f"; the first {agreed} are those that were signed before." if agreed else "."
    return Discrepancy(sentence, code="audit.root", place=CHECKPOINT, index=agreed)


def _refuse_other_history(place: str, head: Checkpoint, tree: Tree) -> None:
    if (tree.early[head.size] if head.size else EMPTY_ROOT) != head.root:
        sentence = f"The log does not begin with the {head.size} entries that {place} signs: it was rewritten."
        raise Discrepancy(sentence, code="audit.history", place=place)
