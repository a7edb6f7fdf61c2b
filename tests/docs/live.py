"""A licensing server that runs for the pages whose examples need one: a real process, reached over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol import canonical
from licensing_protocol.keys import SoftwareSigner, VerificationKey
from licensing_protocol.manifest import Component, Manifest
from licensing_protocol.trust import PinnedRoot
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.setup import initialise
from tests.simulators.device import SimulatedDevice

PRODUCT = "camera"
PLAN = {
    "grants": {
        "face.verify_1to1": {},
        "face.identify_1toN": {"limits": {"operators": {"distinct": 2}}, "audit": "each"},
        "av.record": {},
    }
}


@dataclass(frozen=True, slots=True)
class Exporter:
    """The running server, the folder of its data, and what a member of staff would keep at hand."""

    address: str
    data: Path
    token_file: Path

    @property
    def root(self) -> Any:
        """The root of trust, as anybody can fetch it."""
        return self.get("/v1/trust/1.root.json")

    def get(self, path: str) -> Any:
        """Read something."""
        return self._answer(httpx2.get(self.address + path, headers=self._headers()))

    def post(self, path: str, body: Any) -> Any:
        """Do something that must succeed."""
        return self._answer(httpx2.post(self.address + path, json=body, headers=self._headers()))

    def add_product(self, product: str, vendor: VerificationKey) -> None:
        """Add a product by its vendor's key."""
        self.post("/v1/products", {"id": product, "name": product, "vendor_key": vendor.jwk})

    def register(self, product: str, manifest: str) -> None:
        """Register a release."""
        self.post(f"/v1/products/{product}/releases", {"manifest": manifest})

    def release(self, product: str, vendor: SoftwareSigner, release: str, *measure: Component) -> str:
        """Sign a manifest as the vendor would, and register it."""
        text = Manifest(
            issuer="exporter",
            product=product,
            release=release,
            capabilities=frozenset(PLAN["grants"]),
            safety=frozenset({"safety.tamper_alarm"}),
            root=PinnedRoot.parse(self.root),
            servers=(self.address,),
            measure=measure,
        ).sign(vendor)
        self.register(product, text)
        return text

    def token(self, product: str, plan: Any = None) -> str:
        """Make an enrolment token."""
        body = {"product": product, "end_user": self.end_user, "authorisation": "EX-2026-1", "plan": plan or PLAN}
        made: str = self.post("/v1/enrolment-tokens", body)["token"]
        return made

    @property
    def end_user(self) -> str:
        """The id of the one end-user."""
        party: str = self.get("/v1/parties")["items"][0]["id"]
        return party

    def device(self) -> str:
        """Enrol a device and let it report that its rules changed; return its id."""
        release = self.get(f"/v1/products/{PRODUCT}/releases")["items"][0]["manifest"]
        device = SimulatedDevice(release)
        device.take(self.post("/v1/enrollments", device.enrollment(self.token(PRODUCT), clock.now())))
        changed = {"component": "rules", "before": "x", "after": "y"}
        report = device.evidence(clock.now(), [("configuration.changed", changed)], {"rules": bytes(32)})
        device.take(self.post(f"/v1/devices/{device.id}/evidence", report))
        return device.id

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}

    @staticmethod
    def _answer(response: Any) -> Any:
        assert response.status_code in {200, 201}, response.text
        return canonical.decode(response.content)


@contextmanager
def running(folder: Path) -> Iterator[Exporter]:
    """Initialise a server below ``folder``, start it, and give it an end-user and a product."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    data = folder / "interlock-data"
    made = initialise(Settings(data_dir=data, public_url=address, port=port), "Ada Admin", {"public_url": address})
    exporter = Exporter(address, data, made.token_file)
    with _serving(folder, port, address):
        exporter.post("/v1/parties", {"name": "Ministry of Parks", "country": "FR"})
        vendor = SoftwareSigner.generate()
        exporter.add_product(PRODUCT, vendor.key)
        exporter.release(PRODUCT, vendor, "1.0")
        yield exporter


@contextmanager
def _serving(folder: Path, port: int, address: str) -> Iterator[None]:
    data = folder / "interlock-data"
    command = [sys.executable, "-m", "licensing_server.cli", "serve", "--data-dir", str(data), "--port", str(port)]
    log = folder / "server.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == f"INTERLOCK_SERVER={address}", log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a reader's shell: this interpreter's commands, and nothing of the settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "NO_COLOR": "1", "COLUMNS": "160"} | more
