"""A web server of this machine that gives out files and takes in what is sent, over TLS where it has a certificate."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Web:
    """``files`` by path; ``answers`` are statuses that come first; ``taken`` is what was sent: path, headers, body."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    token: str | None = None
    address: str = ""

    def answer(self, request: Any, body: bytes | None) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.path, headers))
        if self.answers:
            status, extra = self.answers.pop(0)
            _send(request, status, b"", extra)
        elif self.token is not None and headers.get("authorization") != f"Bearer {self.token}":
            _send(request, 401, b"", {})
        elif body is not None:
            self.taken.append((request.path, headers, body))
            _send(request, 202, b"", {})
        else:
            found = self.files.get(urlsplit(request.path).path)
            _send(request, 404 if found is None else 200, found or b"", {})

    @contextmanager
    def serving(self, certificate: Path | None = None) -> Iterator[Web]:
        """Serve on a free port of this machine."""
        web = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave apart, which would otherwise wait for each other.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                web.answer(self, None)

            def do_POST(self) -> None:
                web.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
            server.daemon_threads = True
            if certificate is not None:
                server.socket = server_context(certificate).wrap_socket(server.socket, server_side=True)
            scheme = "http" if certificate is None else "https"
            self.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return how a server with this certificate speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def write_certificate(path: Path, address: str = "127.0.0.1") -> Path:
    """Write a certificate for an address of this machine, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _send(request: Any, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
