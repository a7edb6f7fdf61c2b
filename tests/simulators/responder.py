"""A server of few rules behind the transport port: it enrols, takes evidence in, and gives what a test lays out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from device_agent.exchange import Arriving, Request, Transport
from device_agent.trusted_state import Subject
from licensing_protocol import enrollment, evidence, receipt
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.evidence import Evidence
from licensing_protocol.exchange import EnrollmentRequest, EvidenceRequest, TrustHeld
from licensing_protocol.journal import first_head
from licensing_protocol.manifest import Manifest
from licensing_protocol.status_list import Status
from tests.simulators.exporter import CAPABILITY, ISSUED, SimulatedExporter, grant

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


@dataclass
class Responder(Transport):
    """One device's server.

    ``grants`` are what the next entitlement holds: setting them anew issues a new version with the next evidence.
    ``received`` keeps every different evidence, ``forks`` counts those for a used parent.
    """

    manifest: Manifest
    exporter: SimulatedExporter
    now: Callable[[], int]
    grants: dict[str, JsonObject] = field(default_factory=lambda: {CAPABILITY: grant()})
    zones: JsonObject = field(default_factory=dict)
    statuses: dict[int, Status] = field(default_factory=dict)
    expires: int = ISSUED + 10**8
    reachable: bool = True
    notices: tuple[str, ...] = ()
    received: list[Evidence] = field(default_factory=list)
    forks: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        """Begin with no device."""
        self._lock = threading.Lock()
        self._subject: Subject | None = None
        self._ratchet = b""
        self._receipts: dict[str, str] = {}
        self._version = 0
        self._issued: JsonObject | None = None
        self._sequence = 0

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Answer in the same process."""
        if not self.reachable:
            raise OSError("network is unreachable")
        status, body = self.answer(request.method, "/" + request.url.split("/", 3)[3], request.body or b"")
        yield Arriving(status, {}, iter([body]))

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        with self._lock:
            self.requests += 1
            if path.startswith("/v1/trust/"):
                return self._metadata(path)
            if method == "GET":
                self._sequence = max(self._sequence + 1, self.now())
                text = self.exporter.status_list(self._sequence, self.statuses, issued_at=self.now())
                return 200, text.encode("ascii")
            if path == "/v1/enrollments":
                asked = EnrollmentRequest.parse(decode_object(body))
                return 200, encode(self._enrol(asked.enrollment) | self._trust(asked.trust))
            sent = EvidenceRequest.parse(decode_object(body))
            return 200, encode(self._take(sent.evidence) | self._trust(sent.trust))

    def events(self, type: str) -> list[JsonObject]:
        """Return the data of all reported events of a type."""
        return [event.data for report in self.received for event in report.events if event.type == type]

    def _metadata(self, path: str) -> tuple[int, bytes]:
        name = path.removeprefix("/v1/trust/")
        if name == "targets.json":
            return 200, encode(self.exporter.targets())
        version = int(name.removesuffix(".root.json"))
        roots = self.exporter.roots
        return (200, encode(roots[version - 1])) if version <= len(roots) else (404, b"{}")

    def _trust(self, held: TrustHeld | None) -> JsonObject:
        update = self.exporter.trust_after(held)
        return {} if update is None else {"trust": update.to_json()}

    def _enrol(self, text: str) -> JsonObject:
        asked = enrollment.verify(text)
        self._subject = Subject.of(self.manifest, asked.key)
        self._key = asked.key
        self._receipts.setdefault(asked.identity, self._receipt(asked.identity, first_head(asked.key.thumbprint), 0))
        return {"receipt": self._receipts[asked.identity], "entitlement": self._entitlement()}

    def _take(self, text: str) -> JsonObject:
        report = evidence.verify(text, self._key)
        if report.identity not in self._receipts:
            self.received.append(report)
            self.forks += report.parent != self._ratchet
            self._receipts[report.identity] = self._receipt(report.identity, report.head, report.last)
        answer: JsonObject = {"receipt": self._receipts[report.identity], "notices": list(self.notices)}
        if self._issued != self.grants or report.entitlement is None:
            answer["entitlement"] = self._entitlement()
        return answer

    def _receipt(self, identity: str, head: bytes, sequence: int) -> str:
        assert self._subject is not None
        text = self.exporter.receipt(self._subject, identity, head, sequence, issued_at=self.now())
        self._ratchet = receipt.verify_receipt(text, self.exporter.trusted).ratchet
        return text

    def _entitlement(self) -> str:
        assert self._subject is not None
        self._issued = dict(self.grants)
        self._version = max(self._version + 1, self.now())
        claims = {"iat": self.now(), "nbf": self.now(), "exp": self.expires, "zones": self.zones, "grants": self.grants}
        return self.exporter.entitlement(self._subject, self._version, **claims)


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep quiet."""


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Loopback:
    """Serves a responder over HTTP on this machine, for devices in other processes.

    The address is known before the responder, because the product's manifest names it.
    """

    def __init__(self) -> None:
        self.responder: Responder | None = None
        self._server = make_server("127.0.0.1", 0, self._serve, _Threaded, _Quiet)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Loopback:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, environ: dict[str, Any], start: StartResponse) -> list[bytes]:
        assert self.responder is not None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not self.responder.reachable:
            start("503 Service Unavailable", [])
            return []
        status, content = self.responder.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
        start(f"{status} OK", [("Content-Length", str(len(content)))])
        return [content]
