"""The exporter's staff, who reach the server over HTTP only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol.canonical import JsonObject
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.scenarios.waiting import until
from tests.server.exporter import Exporter
from tests.server.process import ServerProcess, free_port

VERIFY, IDENTIFY, RECORD = "face.verify_1to1", "face.identify_1toN", "av.record"
TAMPER_ALARM = "safety.tamper_alarm"
APPEAL = "appeals@exporter.example"


@dataclass(frozen=True)
class Office:
    """``manifest`` is that of the release which new devices run."""

    exporter: Exporter
    server: ServerProcess
    manifest: str = ""

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Office]:
        """Set an exporter up, and run its server in a process of its own."""
        settings = Settings(data_dir=folder / "data", public_url="https://exporter.example", appeal=APPEAL)
        exporter = Exporter.begin(settings)
        exporter.end()
        server = ServerProcess(settings, free_port(), folder / "server.log")
        server.start()
        try:
            with httpx2.Client(base_url=server.url, timeout=30) as exporter.client:
                yield cls(exporter, server, cls(exporter, server).release("2.0"))
        finally:
            server.kill()

    def manifest_of(self, release: str, *capabilities: str) -> str:
        """Return the vendor-signed manifest of a release that can do ``capabilities`` beside the usual ones."""
        described = self.exporter.product_manifest(
            release,
            capabilities=frozenset({VERIFY, IDENTIFY, RECORD, *capabilities}),
            servers=(self.server.url,),
            measure=(),
        )
        return described.sign(self.exporter.vendor)

    def release(self, release: str, *capabilities: str) -> str:
        """Register such a release, and return its manifest."""
        manifest = self.manifest_of(release, *capabilities)
        self.register(manifest)
        return manifest

    def register(self, manifest: str) -> None:
        """Make a release known to the server."""
        self.exporter.post("/v1/products/camera/releases", {"manifest": manifest}, Role.VENDOR)

    def get(self, path: str) -> Any:
        """Read something that must be there."""
        return self.exporter.get(path)

    def post(self, path: str, body: Any = None) -> Any:
        """Do something that must succeed."""
        return self.exporter.post(path, body)

    def token(self, plan: JsonObject) -> str:
        """Approve a plan, and return the one-time token by which one device gets it."""
        return self.exporter.token(plan)

    def issue(self, device: str, plan: JsonObject) -> Any:
        """Approve another plan for a device, and sign it."""
        return self.post(f"/v1/devices/{device}/entitlements", plan)

    def order(self, kind: str, reason: str = "Reported by two journalists.", **members: Any) -> Any:
        """Place an order."""
        code = members.pop("reason_code", "misuse_reported")
        return self.post("/v1/orders", {"kind": kind, "reason_code": code, "reason_text": reason} | members)

    def orders(self, device: str) -> list[Any]:
        """Return the orders about a device."""
        return self.exporter.all(f"/v1/orders?device={device}")

    def events(self, device: str, type: str) -> list[JsonObject]:
        """Return the data of what a device has reported, of one type."""
        return [event["data"] for event in self.exporter.all(f"/v1/devices/{device}/events?type={type}")]

    def cases(self, device: str) -> dict[str, Any]:
        """Return the open cases about a device, by kind."""
        return {case["kind"]: case for case in self.exporter.all(f"/v1/alerts?subject={device}&state=open")}

    def wait_for_case(self, device: str, kind: str) -> Any:
        """Return the open case of a kind about a device, which the server's own job opens."""
        return until(lambda: self.cases(device), lambda cases: kind in cases)[kind]
