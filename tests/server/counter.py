"""A real server that answers on the loopback address, for agents that speak HTTP to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from licensing_protocol.canonical import encode
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.exporter import Exporter


@dataclass(frozen=True)
class Counter:
    """A server, and the release that its devices run. Background work is done by ``exporter.settle()``."""

    exporter: Exporter
    address: str
    manifest: str

    @classmethod
    @contextmanager
    def open(cls, folder: Path, **manifest: Any) -> Iterator[Counter]:
        """Serve from ``folder``, and register a release whose manifest has these members."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            exporter = Exporter.begin(Settings(data_dir=folder, public_url=address))
            text = exporter.product_manifest("2.0", servers=(address,), **manifest).sign(exporter.vendor)
            exporter.post("/v1/products/camera/releases", {"manifest": text}, Role.VENDOR)
            with _serving(exporter, listener):
                yield cls(exporter, address, text)
            exporter.end()

    def furnish(self, folder: Path, *, manifest: str = "manifest.jws", vendor_key: str = "vendor-key.json") -> None:
        """Write what a product carries: its manifest and the vendor's public key."""
        (folder / manifest).write_text(self.manifest + "\n", "ascii")
        (folder / vendor_key).write_bytes(encode(self.exporter.vendor.key.jwk))

    def token(self, plan: dict[str, Any], folder: Path) -> Path:
        """Approve a plan, and write its one-time token to a file."""
        path = folder / "enrolment.token"
        path.write_text(self.exporter.token(plan) + "\n", "ascii")
        return path


@contextmanager
def _serving(exporter: Exporter, listener: socket.socket) -> Iterator[None]:
    # The server's log would land in the output of commands that run in this process.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    server = uvicorn.Server(uvicorn.Config(exporter.app, lifespan="off", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        structlog.reset_defaults()
