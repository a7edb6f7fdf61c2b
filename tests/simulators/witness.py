"""Witnesses over a real socket: a sound one, or one that answers whatever a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from licensing_server import clock
from licensing_server.witness import Reply, Witness, begin, open_witness

Answer = Callable[[bytes], Reply]


@dataclass
class SimulatedWitness:
    """``answer`` may be replaced; ``asked`` is every request that came."""

    witness: Witness
    url: str = ""
    answer: Answer | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        """What the log is given."""
        return str(self.witness.key)

    def reply(self, body: bytes) -> Reply:
        """Answer one request."""
        self.asked.append(body)
        return self.soundly(body) if self.answer is None else self.answer(body)

    def soundly(self, body: bytes) -> Reply:
        """Answer as a witness should."""
        return self.witness.add(body, clock.now())


@contextmanager
def answering(folder: Path, name: str) -> Iterator[SimulatedWitness]:
    """Answer until the end of the block."""
    begin(folder, name)
    made = SimulatedWitness(open_witness(folder))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            reply = made.reply(self.rfile.read(int(self.headers["Content-Length"])))
            body = reply.body.encode()
            self.send_response(int(reply.status))
            self.send_header("Content-Type", reply.media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        made.witness.close()
