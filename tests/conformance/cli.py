"""``python -m tests.conformance.cli VERB``: what the protocol answers, one JSON object in and one out.

An implementation in another language is held against these answers (docs/reference/conformance.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import InterlockError, OversizedDocument
from tests.conformance import decisions, documents, logs, roots, values
from tests.conformance.verb import Verb

VERBS: dict[str, Verb] = {**documents.VERBS, **values.VERBS, **decisions.VERBS, **roots.VERBS, **logs.VERBS}
ACCEPTED, REFUSED, USAGE = 0, 1, 2
# Twice the longest document, and room for what is asked about it.
MAX_QUESTION = 4 * 1024 * 1024


def answer(verb: str, question: bytes) -> bytes:
    """Return ``{"accepted": true, …}`` or ``{"accepted": false, "code": …}``; a refusal is an answer, no error."""
    try:
        if len(question) > MAX_QUESTION:
            raise OversizedDocument("A question has at most 4 MiB.", code="input.oversized")
        return encode({"accepted": True, **VERBS[verb](decode_object(question))})
    except InterlockError as refusal:
        return encode({"accepted": False, "code": refusal.code})


def run(arguments: Sequence[str], source: BinaryIO, sink: BinaryIO) -> int:
    """Answer what ``source`` asks, and return the exit status."""
    names = [argument for argument in arguments if argument != "--lines"]
    if len(names) != 1 or names[0] not in VERBS:
        return USAGE
    if len(names) < len(arguments):
        for line in _lines(source):
            sink.write(answer(names[0], line) + b"\n")
            sink.flush()
        return ACCEPTED
    answered = answer(names[0], source.read(MAX_QUESTION + 1))
    sink.write(answered + b"\n")
    return ACCEPTED if _is_accepted(answered) else REFUSED


def usage() -> str:
    """Return what a caller who asks wrongly is told."""
    lines = [f"  {name:<12} {verb.__doc__}" for name, verb in sorted(VERBS.items())]
    return "\n".join(["usage: python -m tests.conformance.cli [--lines] VERB", "", *lines, ""])


def main() -> int:
    """Serve standard input and output."""
    status = run(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)
    if status == USAGE:
        sys.stderr.write(usage())
    return status


def _is_accepted(answered: bytes) -> bool:
    accepted: JsonObject = decode_object(answered)
    return bool(accepted["accepted"])


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield each line, and of one that is too long only so much that this can be seen."""
    while line := source.readline(MAX_QUESTION + 1):
        rest = line
        while len(line) > MAX_QUESTION and not rest.endswith(b"\n") and rest:
            rest = source.readline(MAX_QUESTION)
        yield line


if __name__ == "__main__":
    sys.exit(main())
