"""What the commands of an audit have in common: options, and how their help looks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NoReturn

from licensing_protocol.errors import InterlockError
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.server import Server, TileServer
from licensing_server.auditing.source import Folder, Source
from licensing_server.auditing.trust import policy_of
from licensing_server.auditing.verify import Head

PROGRAM: Final = "interlock audit"
EXIT_CODES: Final = (
    "Exit codes: 0 it holds, 1 something is wrong or refused, 2 the command line is wrong, 3 a file or a server cannot "
    "be read, 4 the log stands still."
)


class ExitCode(IntEnum):
    """What a script learns."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    STILL = 4


class Misused(Exception):
    """The command was not given what it needs; ``code`` is stable."""

    def __init__(self, sentence: str, *, code: str = "command.usage") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """One command: ``configure`` adds its options, ``run`` does it and returns the exit code."""

    name: str
    help: str
    example: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Output], int]

    def add_to(self, commands: Any) -> None:
        """Add it to the program."""
        parser = commands.add_parser(
            self.name,
            help=self.help.partition("\n")[0],
            description=self.help,
            epilog=f"Example:  {self.example}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.configure(parser)
        parser.add_argument("--json", action="store_true", help="write JSON for programs instead of text for people")
        parser.set_defaults(run=self.run)


class Parser(argparse.ArgumentParser):
    """Ends a command line that is wrong as every other failure ends."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, and where help is."""
        raise Misused(f"{message}; see  {self.prog} --help")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add SOURCE, and what a server needs."""
    text = "folder with the log's files, or the log's address, such as https://licensing.example/log"
    parser.add_argument("source", metavar="SOURCE", help=text)
    add_token(parser)


def add_token(parser: argparse.ArgumentParser) -> None:
    """Add the token that a server may ask for."""
    text = "file with your API token, where the server asks for one (or INTERLOCK_TOKEN_FILE)"
    parser.add_argument("--token-file", metavar="FILE", default=os.environ.get("INTERLOCK_TOKEN_FILE"), help=text)


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add the address of the licensing server."""
    default = os.environ.get("INTERLOCK_SERVER", "http://127.0.0.1:8470")
    text = "address of the licensing server (or INTERLOCK_SERVER)"
    parser.add_argument("--server", metavar="ADDRESS", default=default, help=text)
    add_token(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add whom to believe."""
    text = "tlog-policy file: whose signatures count, and which witnesses must have seen the log"
    parser.add_argument("--policy", metavar="FILE", help=text)
    text = "instead: the public key of the log, or of a witness that must have seen it, (repeat for more)"
    parser.add_argument("--vkey", metavar="KEY", action="append", default=[], help=text)


def add_heads(parser: argparse.ArgumentParser) -> None:
    """Add checkpoints that somebody kept."""
    text = "checkpoint that you or somebody else kept, or a folder of them (repeat for more)"
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[], help=text)


def source_of(arguments: argparse.Namespace) -> Source:
    """Open SOURCE."""
    if arguments.source.startswith(("http://", "https://")):
        return TileServer(server_of(arguments, log_address(arguments.source)))
    return Folder(Path(arguments.source))


def server_of(arguments: argparse.Namespace, address: str) -> Server:
    """Open a server that gets the token, until the command ends."""
    server = Server(address, token_of(arguments))
    arguments.open.callback(server.close)
    return server


def log_address(address: str) -> str:
    """Return the address of a log; that of a licensing server alone is enough."""
    _scheme, _slashes, rest = address.partition("://")
    return address if rest.strip("/").count("/") else f"{address.rstrip('/')}/log"


def token_of(arguments: argparse.Namespace) -> str | None:
    """Return the token of ``--token-file``."""
    return token_in(arguments.token_file)


def token_in(file: str | None) -> str | None:
    """Return the token in a file; Misused ``token.file``."""
    if file is None:
        return None
    try:
        token = Path(file).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        sentence = f"The token file {file} cannot be read."
        raise Misused(sentence, code="token.file") from error
    if not token or any(character.isspace() for character in token):
        raise Misused(f"The token file {file} holds no token: it is one line.", code="token.file")
    return token


def trust_of(arguments: argparse.Namespace) -> Policy:
    """Return whom to believe; Misused ``audit.trust`` where nobody is named."""
    file = policy_file(arguments)
    try:
        return Policy.parse(file)
    except InterlockError as error:
        raise Discrepancy.at(arguments.policy or "--vkey", error) from error


def policy_file(arguments: argparse.Namespace) -> bytes:
    """Return whom to believe, as a policy file."""
    if bool(arguments.policy) == bool(arguments.vkey):
        sentence = (
            "Say whom you believe, either with --policy FILE or with --vkey KEY. Take them from where you trust them: "
            "a policy that lies beside a log was put there by whoever keeps the log."
        )
        raise Misused(sentence, code="audit.trust")
    if arguments.policy:
        return read(arguments.policy)
    try:
        return policy_of(arguments.vkey)
    except InterlockError as error:
        raise Discrepancy.at("--vkey", error) from error


def heads_of(paths: Sequence[str]) -> list[Head]:
    """Read checkpoints that somebody kept."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(part for part in path.iterdir() if part.is_file()) if path.is_dir() else [path]
    heads = []
    for path in found:
        try:
            heads.append(Head(str(path), Note.parse(read(path))))
        except InterlockError as error:
            raise Discrepancy.at(str(path), error) from error
    return heads


def read(path: str | Path) -> bytes:
    """Read a file that was named on the command line; SourceUnreachable."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceUnreachable(f"{path}: {(error.strerror or 'it cannot be read').lower()}.") from error
