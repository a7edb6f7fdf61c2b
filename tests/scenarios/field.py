"""Where devices are, far from the exporter's office."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from licensing_protocol.canonical import JsonObject
from tests.scenarios.device import Device
from tests.scenarios.office import Office

_A_DAY_S = 86_400


@dataclass
class Field:
    """The devices of one test, and the exporter that they belong to."""

    office: Office
    folder: Path
    devices: list[Device] = field(default_factory=list)

    def device(
        self,
        grants: dict[str, JsonObject],
        *,
        zones: JsonObject | None = None,
        receivers: int = 0,
        valid_for: int = _A_DAY_S,
    ) -> Device:
        """Return a new device that is enrolled and has fetched its lists."""
        place, vendor = self.folder / f"device-{len(self.devices)}", self.office.exporter.vendor
        device = Device(place, self.office.manifest, vendor.key.jwk, receivers)
        self.devices.append(device)
        device.enroll(self.office.token(plan(grants, zones=zones, valid_for=valid_for)))
        return device


def plan(grants: dict[str, JsonObject], *, zones: JsonObject | None = None, valid_for: int = _A_DAY_S) -> Any:
    """Return a grant plan as staff write it."""
    return {"grants": grants, "zones": zones or {}, "valid_for": valid_for}
