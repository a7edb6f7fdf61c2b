"""Two kinds of commands: a member of staff's, over the API, and those of the server's own machine.

Each is written as a function whose first parameter is its desk; the decorators add the options that all have in common
and turn failures into exit codes.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from licensing_server.cli.client import Client
from licensing_server.cli.exits import DEBUG, ExitCode
from licensing_server.cli.failures import failure_of
from licensing_server.cli.output import Output

if TYPE_CHECKING:
    from licensing_server.config import Settings

_AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs instead of text for people.")]
_Server = Annotated[str, typer.Option("--server", envvar="INTERLOCK_SERVER", help="Address of the licensing server.")]
_TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", envvar="INTERLOCK_TOKEN_FILE", help="File with your API token.", dir_okay=False),
]
_DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", envvar="INTERLOCK_DATA_DIR", help="The server's data folder, interlock-data if not said."
    ),
]
_Limit = Annotated[int, typer.Option("--limit", min=1, help="Most items to show.")]
_Every = Annotated[bool, typer.Option("--all", help="Show everything, however long the list is.")]
_Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on where an earlier list ended.")]
DEFAULT_SERVER = "http://127.0.0.1:8470"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command of a member of staff works with."""

    client: Client
    output: Output
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ListDesk(Desk):
    """As :class:`Desk`, for a list: how much of it is wanted, and from where."""

    most: int | None = None
    cursor: str | None = None

    def show(self, path: str, columns: Sequence[str], **query: Any) -> None:
        """Follow a list's cursor and show what it holds."""
        items, following = self.client.items(path, most=self.most, cursor=self.cursor, **query)
        self.output.rows(items, columns, following)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a command of the server's own machine works with."""

    output: Output
    data_dir: Path | None

    def settings(self, **changes: Any) -> Settings:
        """Return the server's settings; options of the command line that were given come first."""
        from licensing_server.setup import load_settings

        given = {name: value for name, value in changes.items() if value is not None}
        return load_settings(self.data_dir, **given)


def staff(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command of the API: adds ``--server``, ``--token-file`` and ``--json``."""

    def run(*, server: str, token_file: Path | None, as_json: bool, **given: Any) -> None:
        output = Output(as_json=as_json)

        def work() -> None:
            with closing(Client(server, token_file)) as client:
                command(Desk(client, output, token_file), **given)

        _guard(output, work)

    return _dress(run, command, _OF_STAFF)


def staff_list(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command that shows a list of the API: adds ``--limit``, ``--all`` and ``--cursor`` as well."""

    def run(*, limit: int, every: bool, cursor: str | None, **given: Any) -> None:
        common = {name: given.pop(name) for name in ("server", "token_file", "as_json")}
        output = Output(as_json=common["as_json"])

        def work() -> None:
            with closing(Client(common["server"], common["token_file"])) as client:
                desk = ListDesk(client, output, common["token_file"], None if every else limit, cursor)
                command(desk, **given)

        _guard(output, work)

    paging = [option("limit", _Limit, 100), option("every", _Every, False), option("cursor", _Cursor, None)]
    return _dress(run, command, [*paging, *_OF_STAFF])


def machine(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command of the server's own machine: adds ``--data-dir`` and ``--json``."""

    def run(*, data_dir: Path | None, as_json: bool, **given: Any) -> None:
        output = Output(as_json=as_json)

        def work() -> None:
            from licensing_server import logs

            # What fails is told by the command itself; the ones that run for long set up their own logs.
            logs.configure(as_json=False, level=logging.CRITICAL)
            command(Machine(output, data_dir), **given)

        _guard(output, work)

    return _dress(run, command, [option("data_dir", _DataDir, None)])


def local(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command that needs neither a server nor its data: adds ``--json``."""

    def run(*, as_json: bool, **given: Any) -> None:
        output = Output(as_json=as_json)
        _guard(output, lambda: command(output, **given))

    return _dress(run, command, [])


def _guard(output: Output, work: Callable[[], None]) -> None:
    try:
        work()
    except BrokenPipeError:
        # Whoever reads our output has seen enough.
        sys.stderr.close()
        raise typer.Exit(0) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure.exit_code is ExitCode.FAULT and os.environ.get(DEBUG):
            raise
        output.fail(failure)
        raise typer.Exit(failure.exit_code) from error


def option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    """Return an option for the signature that Typer reads."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_OF_STAFF = [option("server", _Server, DEFAULT_SERVER), option("token_file", _TokenFile, None)]


def _dress(
    run: Callable[..., None], command: Callable[..., None], common: list[inspect.Parameter]
) -> Callable[..., None]:
    """Give ``run`` the parameters of ``command`` after its first, and the common ones: Typer reads the signature."""
    _desk, *own = inspect.signature(command, eval_str=True).parameters.values()
    every = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    every += [*common, option("as_json", _AsJson, False)]
    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what inspect.signature documents
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
