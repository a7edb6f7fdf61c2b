"""``interlock devices``: enrolment tokens, and the devices that redeemed them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list
from licensing_server.cli.files import read_object, write_secret

devices = typer.Typer(help="Devices in the field, and the one-time tokens by which they enrol.", no_args_is_help=True)
_Device = Annotated[str, typer.Argument(help="Id of the device.")]
_TOKEN_COLUMNS = ("id", "product", "end_user", "authorisation", "expires_at", "redeemed_at", "revoked_at", "device")


@devices.command("token")
@staff
def token(
    desk: Desk,
    product: Annotated[str, typer.Option(help="Id of the product.")],
    end_user: Annotated[str, typer.Option(help="Id of the party that will use the device, party_…")],
    authorisation: Annotated[str, typer.Option(help="Reference of the export authorisation.")],
    plan: Annotated[Path, typer.Option(help="JSON file with the grant plan that you approve.", exists=True)],
    days: Annotated[int | None, typer.Option(help="Days until it expires.", min=1, max=365)] = None,
    out: Annotated[Path | None, typer.Option(help="Write the token to this new file, readable by you alone.")] = None,
) -> None:
    """Approve a grant plan, and make the one-time token by which one device gets it. It is shown this once.

    Example:  interlock devices token --product camera --end-user party_9fK… --authorisation EX-2026-1 --plan plan.json
    """
    body = {"product": product, "end_user": end_user, "authorisation": authorisation, "plan": read_object(plan)}
    made = desk.client.post("/v1/enrolment-tokens", body | ({} if days is None else {"days": days}))
    if out is not None:
        write_secret(out, made.pop("token") + "\n")
        made["token_file"] = str(out)
    desk.output.record(made)
    desk.output.note("On the device: interlock-agent enroll. The token works once and is not shown again.")


@devices.command("tokens")
@staff_list
def tokens(desk: ListDesk) -> None:
    """List enrolment tokens, without their secrets: which are open, used, over.

    Example:  interlock devices tokens
    """
    desk.show("/v1/enrolment-tokens", _TOKEN_COLUMNS)


@devices.command("withdraw")
@staff
def withdraw(desk: Desk, token: Annotated[str, typer.Argument(help="Id of the token, enrol_…")]) -> None:
    """End an enrolment token that was not used yet.

    Example:  interlock devices withdraw enrol_x1Q…
    """
    desk.output.record(desk.client.delete(f"/v1/enrolment-tokens/{segment(token)}"))


@devices.command("list")
@staff_list
def list_devices(
    desk: ListDesk,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    end_user: Annotated[str | None, typer.Option(help="Only of this party, party_…")] = None,
    product: Annotated[str | None, typer.Option(help="Only of this product.")] = None,
    country: Annotated[str | None, typer.Option(help="Only of this destination, such as FR.")] = None,
    silent_since: Annotated[int | None, typer.Option(help="Only unheard of since this instant, in seconds.")] = None,
) -> None:
    """List devices.

    Example:  interlock devices list --country FR --tag harbour
    """
    columns = ("id", "product", "end_user", "authorisation", "tags", "enrolled_at", "last_seen")
    wanted = {"tag": tag, "end_user": end_user, "product": product, "country": country, "silent_since": silent_since}
    desk.show("/v1/devices", columns, **wanted)


@devices.command("show")
@staff
def show(desk: Desk, device: _Device) -> None:
    """Show a device.

    Example:  interlock devices show AQx3…
    """
    desk.output.record(desk.client.get(f"/v1/devices/{segment(device)}"))


@devices.command("tag")
@staff
def tag(
    desk: Desk,
    device: _Device,
    tags: Annotated[list[str] | None, typer.Argument(help="Its tags; none for none.")] = None,
) -> None:
    """Give a device exactly these tags, for finding it and its like again.

    Example:  interlock devices tag AQx3… harbour pilot
    """
    path = f"/v1/devices/{segment(device)}"
    _, etag = desk.client.read(path)
    desk.output.record(desk.client.put(f"{path}/tags", {"tags": tags or []}, etag))


@devices.command("entitlements")
@staff_list
def entitlements(desk: ListDesk, device: _Device) -> None:
    """List every entitlement ever signed for a device, the oldest first.

    Example:  interlock devices entitlements AQx3…
    """
    columns = ("jti", "version", "issued_at", "expires", "granted")
    items, following = desk.client.items(
        f"/v1/devices/{segment(device)}/entitlements", most=desk.most, cursor=desk.cursor
    )
    granted = [item | {"granted": sorted(item["claims"]["grants"])} for item in items]
    desk.output.rows(granted, columns, following)


@devices.command("events")
@staff_list
def events(
    desk: ListDesk,
    device: _Device,
    type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
) -> None:
    """List what a device reported: denials, uses, changes of its configuration, oddities of clock and position.

    Example:  interlock devices events AQx3… --type configuration.changed
    """
    path = f"/v1/devices/{segment(device)}/events"
    desk.show(path, ("sequence", "type", "lower", "upper", "data"), type=type)
