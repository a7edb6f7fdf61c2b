"""Hands new entries on to another system: each at least once, in their order, from where it was last taken."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.merkle import leaf_hash
from licensing_server.auditing import syslog
from licensing_server.auditing.connection import parts_of
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.formats import Format, Provenance
from licensing_server.auditing.monitor import Step, bodies
from licensing_server.auditing.records import Record
from licensing_server.auditing.server import Server
from licensing_server.auditing.source import Source

BATCH: Final = 256
_TAKEN: Final = range(200, 300)


class Receiver(ABC):
    """Where entries go. It returns only once they were taken."""

    @abstractmethod
    def take(self, batch: Sequence[Record], provenance: Provenance) -> None:
        """Hand over entries; SourceUnreachable where they may not have arrived."""

    def close(self) -> None:  # noqa: B027  # not abstract: most have nothing to do
        """Close what is open between two batches; most keep nothing open."""


@dataclass(frozen=True, slots=True)
class Syslog(Receiver):
    """A syslog server, over TLS."""

    host: str
    port: int
    write: Format
    context: ssl.SSLContext

    def take(self, batch: Sequence[Record], provenance: Provenance) -> None:
        """Send a message for each entry."""
        found = (syslog.message(record, provenance, self.write(record, provenance)) for record in batch)
        syslog.send(self.host, self.port, found, self.context)


@dataclass(frozen=True, slots=True)
class Collector(Receiver):
    """An HTTP collector, which takes lines by POST and answers with a status of success."""

    server: Server
    write: Format
    query: str = ""

    def take(self, batch: Sequence[Record], provenance: Provenance) -> None:
        """Send the entries as lines; a repeated batch carries the same key."""
        body = "".join(self.write(record, provenance) for record in batch).encode()
        key = f"{provenance.origin}#{batch[0].index}-{batch[-1].index}"
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
        status = self.server.send("POST", self.query, body, headers).status
        if status not in _TAKEN:
            raise SourceUnreachable(f"{self.server.address} did not take the entries: it answers {status}.")

    def close(self) -> None:
        """Close the connection."""
        self.server.close()


def receiver(
    address: str, write: Format, *, token: str | None = None, context: ssl.SSLContext | None = None
) -> Receiver:
    """Return the receiver at ``tls://host:port`` or ``https://…``; MalformedDocument ``forward.address``."""
    parts = parts_of(address)
    if parts is not None and parts.scheme == "tls":
        secure = context or ssl.create_default_context()
        return Syslog(parts.hostname or "", parts.port or syslog.PORT, write, secure)
    if parts is not None and parts.scheme in {"https", "http"}:
        return Collector(Server(address, token, context=context), write, f"?{parts.query}" if parts.query else "")
    sentence = f"{address!r} is no receiver: say tls://siem.example:6514 or https://siem.example/collect."
    raise MalformedDocument(sentence, code="forward.address")


def batches(source: Source, step: Step, cursor: int) -> Iterator[list[Record]]:
    """Yield the entries from ``cursor`` on that a look at the log found, each held against the hash that was verified.

    Raises:
        Discrepancy: ``audit.moved`` where one was changed since; ``audit.unreadable``.
    """
    size = step.checkpoint.size
    batch: list[Record] = []
    for index, body in enumerate(bodies(source, size, cursor, size), cursor):
        if leaf_hash(body) != step.leaves[index - step.begin]:
            sentence = f"Entry {index} was verified, and has been changed since; nothing of it was handed on."
            raise Discrepancy(sentence, code="audit.moved", index=index)
        batch.append(Record.parse(index, body))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
