"""An exporter whose people know nothing but the command line, and devices that they enrol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol import canonical
from licensing_server import clock
from tests.cli.command_line import Staff
from tests.simulators.device import SimulatedDevice

CAPABILITY = "face.verify_1to1"
PLAN = {"grants": {CAPABILITY: {}, "av.record": {"audit": "each"}}, "valid_for": 86_400}
DESCRIPTION = {
    "issuer": "Example Optics",
    "product": "camera",
    "release": "1.0",
    "capabilities": [CAPABILITY, "av.record"],
    "safety": ["safety.tamper_alarm"],
    "measure": [{"name": "rules", "kind": "file", "path": "rules.json"}],
}


@dataclass(frozen=True)
class Company:
    """What was set up. ``folder`` holds its files."""

    staff: Staff
    folder: Path
    end_user: str
    manifest: str

    @classmethod
    def found(cls, staff: Staff, folder: Path) -> Company:
        """Set everything up."""
        key, plan, signed = folder / "vendor.pem", folder / "plan.json", folder / "camera-1.0.jwt"
        staff.ask("products", "vendor-key", key)
        staff.ask("products", "add", "camera", "--name", "Gate camera", "--vendor-key", folder / "vendor.jwk.json")
        description = write_json(folder / "camera.json", DESCRIPTION)
        staff.ask("products", "manifest", description, "--key", key, "--out", signed)
        released = staff.ask("products", "release", "camera", signed)
        write_json(plan, PLAN)
        party = staff.ask("parties", "add", "Ministry of Parks", "--country", "FR")
        return cls(staff, folder, party["id"], released["manifest"])

    @property
    def plan(self) -> Path:
        """The file with the grant plan."""
        return self.folder / "plan.json"

    def token(self) -> Any:
        """Make an enrolment token."""
        sale = ("--product", "camera", "--end-user", self.end_user, "--authorisation", "EX-2026-1")
        return self.staff.ask("devices", "token", *sale, "--plan", self.plan)

    def device(self) -> SimulatedDevice:
        """Enrol a new device."""
        device = SimulatedDevice(self.manifest)
        body = device.enrollment(self.token()["token"], clock.now())
        device.take(self.send("/v1/enrollments", body))
        return device

    def check_in(self, device: SimulatedDevice, **report: Any) -> Any:
        """Let a device report."""
        answer = self.send(f"/v1/devices/{device.id}/evidence", device.evidence(clock.now(), **report))
        device.take(answer)
        return answer

    def send(self, path: str, body: Any) -> Any:
        """Send what a device sends."""
        response = httpx2.post(self.staff.server + path, json=body, trust_env=False)
        assert response.status_code in {200, 201}, response.text
        return response.json()


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON file."""
    path.write_bytes(canonical.encode(value))
    return path
