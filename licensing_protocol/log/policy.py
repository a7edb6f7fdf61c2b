"""Whom to believe: logs, witnesses, and how many witnesses must have seen a checkpoint (c2sp.org/tlog-policy)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from licensing_protocol.errors import BelowThreshold, MalformedDocument, OversizedDocument
from licensing_protocol.log import checkpoint as checkpoints
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey, SignatureType

MAX_BYTES: Final = 64 * 1024
_NONE: Final = "none"
_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Party:
    """A log or a witness, and where it is asked, if the policy says so."""

    key: NoteKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Met where ``threshold`` of its members, witnesses or groups, are."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """``quorum`` names the witness or group that must have seen a checkpoint; ``None`` asks for no witness."""

    logs: tuple[Party, ...]
    witnesses: Mapping[str, Party]
    groups: Mapping[str, Group]
    quorum: str | None

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read a policy file.

        Raises:
            OversizedDocument: over 64 KiB.
            MalformedDocument: ``policy.line``, ``policy.name``, ``policy.key``, ``policy.group``, ``policy.quorum``; or
                as :meth:`NoteKey.parse`.
        """
        if len(data) > MAX_BYTES:
            raise OversizedDocument(f"A policy has at most {MAX_BYTES} bytes.")
        # Octets that are no ASCII mean nothing here, but must stay apart from each other.
        text = data.decode("utf-8", "surrogateescape")
        if _CONTROL.search(text):
            raise _malformed("line", "A policy holds no control characters but tabs and newlines.")
        reader = _Reader()
        for line in text.split("\n"):
            words = re.findall(r"[^ \t]+", line)
            if words and not words[0].startswith("#"):
                reader.take(words)
        if not reader.has_quorum:
            raise _malformed("quorum", "A policy names its quorum once; 'quorum none' asks for no witness.")
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)

    def verify(self, note: Note) -> Checkpoint:
        """Verify that a log of this policy signed the checkpoint, and that the quorum has seen it.

        Raises:
            BelowThreshold: ``policy.quorum``. MalformedDocument, BadSignature, UnknownKey: as
            :func:`licensing_protocol.log.checkpoint.verify`.
        """
        checkpoint = checkpoints.verify(note, [log.key for log in self.logs])
        if self.quorum is not None:
            signed = note.verify([*(witness.key for witness in self.witnesses.values()), *self._keys(checkpoint)])
            seen = {name for name, witness in self.witnesses.items() if witness.key in signed}
            if not self._is_met(self.quorum, seen):
                sentence = "Too few witnesses have seen this checkpoint: the policy asks for more."
                raise BelowThreshold(sentence, code="policy.quorum")
        return checkpoint

    def _keys(self, checkpoint: Checkpoint) -> list[NoteKey]:
        return [log.key for log in self.logs if log.key.name == checkpoint.origin]

    def _is_met(self, name: str, seen: Collection[str]) -> bool:
        # A group names only what stands before it, so this ends.
        group = self.groups.get(name)
        if group is None:
            return name in seen
        return sum(self._is_met(member, seen) for member in group.members) >= group.threshold


@dataclass
class _Reader:
    """Takes a policy's lines in their order: a line refers only to names of lines before it."""

    logs: list[Party] = field(default_factory=list)
    witnesses: dict[str, Party] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    has_quorum: bool = False
    _members: set[str] = field(default_factory=set)

    def take(self, words: list[str]) -> None:
        """Take one line that is neither empty nor a comment."""
        readers: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        read = readers.get(words[0])
        if read is None:
            raise _malformed("line", "A line of a policy begins with log, witness, group or quorum.")
        read(words[1:])

    def _log(self, words: list[str]) -> None:
        self.logs.append(_party(words, (SignatureType.ED25519,), self.logs))

    def _witness(self, words: list[str]) -> None:
        name = self._new_name(words)
        self.witnesses[name] = _party(words[1:], (SignatureType.COSIGNATURE,), list(self.witnesses.values()))

    def _group(self, words: list[str]) -> None:
        name = self._new_name(words)
        threshold, members = "".join(words[1:2]), tuple(words[2:])
        if not members:
            raise _malformed("group", "A group has a name, a threshold and members.")
        for member in members:
            if not self._is_defined(member) or member in self._members:
                raise _malformed("group", "A member is defined on a line before, and is a member only once.")
            self._members.add(member)
        self.groups[name] = Group(_threshold(threshold, len(members)), members)

    def _quorum(self, words: list[str]) -> None:
        if self.has_quorum or len(words) != 1 or (words[0] != _NONE and not self._is_defined(words[0])):
            raise _malformed("quorum", "The quorum is said once: none, or a name that is defined on a line before.")
        self.quorum, self.has_quorum = (None if words[0] == _NONE else words[0]), True

    def _new_name(self, words: list[str]) -> str:
        if not words or words[0] == _NONE or self._is_defined(words[0]):
            raise _malformed("name", "Witnesses and groups have names, each its own, and none is called none.")
        return words[0]

    def _is_defined(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups


def _party(words: list[str], kinds: Collection[SignatureType], others: list[Party]) -> Party:
    if len(words) not in {1, 2}:
        raise _malformed("line", "A log or a witness has a verifier key, and perhaps a URL after it.")
    party = Party(NoteKey.parse(words[0]), *words[1:])
    if party.key.kind not in kinds:
        raise _malformed("key", "A log's key signs notes, and a witness's key cosigns them.")
    if any(other.key.public == party.key.public for other in others):
        raise _malformed("key", "The same key stands in the policy twice.")
    return party


def _threshold(text: str, members: int) -> int:
    if text in {"all", "any"}:
        return members if text == "all" else 1
    if _THRESHOLD.fullmatch(text) and int(text) <= members:
        return int(text)
    raise _malformed("group", "A threshold is all, any, or a number that the group's members can reach.")


def _malformed(code: str, sentence: str) -> MalformedDocument:
    return MalformedDocument(sentence, code=f"policy.{code}")
