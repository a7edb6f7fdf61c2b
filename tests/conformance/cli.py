"""``python -m tests.conformance.cli VERB``: what the protocol answers, one JSON object in and one out.

An implementation in another language is held against these answers (docs/reference/conformance.md).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import BinaryIO

from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import InterlockError
from tests.conformance import decisions, documents, values
from tests.conformance.verb import Verb

VERBS: dict[str, Verb] = {**documents.VERBS, **values.VERBS, **decisions.VERBS}
ACCEPTED, REFUSED, USAGE = 0, 1, 2


def answer(verb: str, data: bytes) -> JsonObject:
    """Return ``{"accepted": true, …}`` or ``{"accepted": false, "code": …}``; a refusal is an answer, no error."""
    try:
        return {"accepted": True, **VERBS[verb](decode_object(data))}
    except InterlockError as refusal:
        return {"accepted": False, "code": refusal.code}


def run(arguments: Sequence[str], source: BinaryIO, sink: BinaryIO) -> int:
    """Answer what ``source`` asks, and return the exit status."""
    names = [argument for argument in arguments if argument != "--lines"]
    if len(names) != 1 or names[0] not in VERBS:
        return USAGE
    if len(names) < len(arguments):
        for line in source:
            sink.write(encode(answer(names[0], line)) + b"\n")
            sink.flush()
        return ACCEPTED
    result = answer(names[0], source.read())
    sink.write(encode(result) + b"\n")
    return ACCEPTED if result["accepted"] else REFUSED


def main() -> int:
    """Serve standard input and output."""
    status = run(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)
    if status == USAGE:
        sys.stderr.write(f"usage: python -m tests.conformance.cli [--lines] VERB\nverbs: {', '.join(sorted(VERBS))}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
