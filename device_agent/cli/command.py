"""What all commands have in common: the device they are about, ``--json``, and errors that become exit codes."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from device_agent.agent import Agent
from device_agent.cli.exits import DEBUG, ExitCode, Misused, failure_of
from device_agent.cli.output import Output
from device_agent.store.store import FILE
from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.errors import MalformedDocument

_Folder = Annotated[
    Path, typer.Option("--folder", envvar="INTERLOCK_AGENT_FOLDER", help="The agent's folder.", file_okay=False)
]
_Manifest = Annotated[
    Path,
    typer.Option(
        "--manifest",
        envvar="INTERLOCK_AGENT_MANIFEST",
        help="The signed product manifest.",
        exists=True,
        dir_okay=False,
    ),
]
_VendorKey = Annotated[
    Path,
    typer.Option(
        "--vendor-key",
        envvar="INTERLOCK_AGENT_VENDOR_KEY",
        help="The vendor's public key (JWK) that the product trusts.",
        exists=True,
        dir_okay=False,
    ),
]
_ProductFolder = Annotated[
    Path | None,
    typer.Option(
        "--product-folder",
        envvar="INTERLOCK_AGENT_PRODUCT_FOLDER",
        help="The product's folder, to measure its files here too.",
        exists=True,
        file_okay=False,
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs instead of text for people.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with."""

    output: Output
    folder: Path
    manifest: Path
    vendor_key: Path
    product_folder: Path | None

    def agent(self, *, begin: bool = False) -> Agent:
        """Open the device's agent beside the product's own process; it does nothing in the background.

        Settings live in the product's process, so this one leaves them unmeasured: it must report no change of what it
        cannot see.

        Raises:
            Misused: ``store.absent``: no agent was ever opened in the folder, and this command does not ``begin`` one.
        """
        if not begin:
            self.refuse_nothing()
        return Agent.open(
            self.folder,
            manifest=read_text(self.manifest),
            vendor_key=read_object(self.vendor_key),
            product_folder=self.product_folder,
            sync_every=None,
        )

    def refuse_nothing(self) -> None:
        """Raise ``store.absent`` where no agent was ever opened in the folder: a typing error makes no new device."""
        if not (self.folder / FILE).exists():
            raise Misused("store.absent", f"No agent was ever opened in {self.folder}; look at --folder.")


def command(act: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function whose first parameter is its desk: adds the common options and exit codes."""

    def run(
        *, folder: Path, manifest: Path, vendor_key: Path, product_folder: Path | None, as_json: bool, **given: Any
    ) -> None:
        output = Output(as_json=as_json)
        try:
            act(Desk(output, folder, manifest, vendor_key, product_folder), **given)
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:
            # Whoever reads our output has seen enough.
            sys.stderr.close()
            raise typer.Exit(0) from None
        except Exception as error:
            failure = failure_of(error)
            if failure.exit_code is ExitCode.FAULT and os.environ.get(DEBUG):
                raise
            output.fail(failure)
            raise typer.Exit(failure.exit_code) from error

    _desk, *own = inspect.signature(act, eval_str=True).parameters.values()
    options = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    options += [_option(name, annotation) for name, annotation in _REQUIRED.items()]
    options += [_option("product_folder", _ProductFolder, None), _option("as_json", _AsJson, False)]
    # inspect.signature documents this attribute; mypy does not know that functions may have it.
    vars(run)["__signature__"] = inspect.Signature(options)
    run.__annotations__ = {option.name: option.annotation for option in options}
    run.__name__, run.__doc__ = act.__name__, act.__doc__
    return run


def read_text(path: Path) -> str:
    """Return the one word of ASCII in a file: a signed document, or a token.

    Raises:
        Misused: ``file.text`` where it holds something else.
    """
    try:
        return path.read_bytes().decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Misused("file.text", f"{path} is no text of ASCII characters; is it the right file?") from error


def read_object(path: Path) -> JsonObject:
    """Return the JSON object in a file.

    Raises:
        Misused: ``file.json`` where it holds none.
    """
    try:
        return decode_object(path.read_bytes())
    except MalformedDocument as error:
        raise Misused("file.json", f"{path}: {error}") from error


_REQUIRED: Mapping[str, Any] = {"folder": _Folder, "manifest": _Manifest, "vendor_key": _VendorKey}


def _option(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
