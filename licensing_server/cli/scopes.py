"""Whom an order reaches: the options by which commands name devices and grants."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from licensing_server.cli.command import option
from licensing_server.cli.exits import Misused

_Device = Annotated[str | None, typer.Option("--device", help="This device.")]
_EndUser = Annotated[str | None, typer.Option("--end-user", help="Devices of this party, party_…")]
_Country = Annotated[str | None, typer.Option("--country", help="Devices whose registered end-user is in, such as FR.")]
_Product = Annotated[str | None, typer.Option("--product", help="Devices of this product.")]
_Release = Annotated[str | None, typer.Option("--release", help="Devices that run this release of --product.")]
_Tag = Annotated[str | None, typer.Option("--tag", help="Devices with this tag.")]
_Capability = Annotated[str | None, typer.Option("--capability", help="Of them only this capability.")]
_Proviso = Annotated[str | None, typer.Option("--proviso", help="Of them only grants made with this proviso.")]
_Everywhere = Annotated[bool, typer.Option("--everywhere", help="Every device: must be said, where none is named.")]
_DEVICES = {
    "device": _Device,
    "end_user": _EndUser,
    "country": _Country,
    "product": _Product,
    "release": _Release,
    "tag": _Tag,
}
_GRANTS = {"capability": _Capability, "proviso": _Proviso}


def scoped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name a scope, in place of its second parameter; below the desk's decorator.

    Raises:
        Misused: ``scope.absent`` where no device is named and everywhere is not said.
    """

    def run(desk: Any, **given: Any) -> None:
        named = {name: given.pop(name) for name in (*_DEVICES, *_GRANTS)}
        command(desk, _scope(named, everywhere=given.pop("everywhere")), **given)

    desk, _scope_of, *own = inspect.signature(command, eval_str=True).parameters.values()
    named = [option(name, annotation, None) for name, annotation in (_DEVICES | _GRANTS).items()]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    needed = [parameter for parameter in own if parameter.default is inspect.Parameter.empty]
    others = [parameter for parameter in own if parameter.default is not inspect.Parameter.empty]
    every = [desk, *needed, *named, option("everywhere", _Everywhere, False), *others]
    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what inspect.signature documents
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _scope(named: dict[str, str | None], *, everywhere: bool) -> dict[str, Any]:
    said: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if any(name in said for name in _DEVICES) == everywhere:
        sentence = "Name the devices (--device, --end-user, --country, --product, --tag), or say --everywhere alone."
        raise Misused("scope.absent", sentence)
    return said | ({"everywhere": True} if everywhere else {})
