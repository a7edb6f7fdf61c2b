"""``interlock issue``, ``preview`` and ``renew``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, staff
from licensing_server.cli.files import read_object

_Device = Annotated[str, typer.Argument(help="Id of the device.")]
_Plan = Annotated[Path, typer.Option(help="JSON file with the grant plan.", exists=True)]


@staff
def issue(desk: Desk, device: _Device, plan: _Plan) -> None:
    """Approve a new grant plan for a device and sign it. All that was granted before ends in the same moment.

    Example:  interlock issue AQx3… --plan plan.json
    """
    made = desk.client.post(f"/v1/devices/{segment(device)}/entitlements", read_object(plan))
    _show(desk, made, "Signed. The device gets it when it next checks in.")


@staff
def preview(desk: Desk, device: _Device, plan: _Plan) -> None:
    """Show what issuing a plan would sign, and what orders hold back. Nothing is stored.

    Example:  interlock preview AQx3… --plan plan.json
    """
    found = desk.client.post(f"/v1/devices/{segment(device)}/entitlements/preview", read_object(plan))
    desk.output.record(found, "Nothing was signed. Issuing this plan would sign:")


@staff
def renew(desk: Desk, device: _Device) -> None:
    """Sign the approved plan of a device anew with a later end.

    Example:  interlock renew AQx3…
    """
    made = desk.client.post(f"/v1/devices/{segment(device)}/entitlements/renewal")
    _show(desk, made, "Renewed. The device gets it when it next checks in.")


def _show(desk: Desk, made: dict[str, Any], sentence: str) -> None:
    granted = {} if desk.output.as_json else {"granted": sorted(made["claims"]["grants"])}
    desk.output.record(made | granted, sentence, without=("claims", "text"))
