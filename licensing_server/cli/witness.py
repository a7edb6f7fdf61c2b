"""``interlock witness``: see that somebody's log only grows, and say so.

It is run by an NGO or a regulator, not by the exporter: nothing here needs a licensing server or its settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from licensing_server.cli.command import local
from licensing_server.cli.output import Output, instant

if TYPE_CHECKING:
    from licensing_server.witness import Known, Witness

_DEFAULT = Path("interlock-witness")
_Folder = Annotated[
    Path,
    typer.Option("--data-dir", envvar="INTERLOCK_WITNESS_DIR", help="The witness's folder.", file_okay=False),
]
_Passphrase = Annotated[
    str | None,
    typer.Option(
        "--passphrase",
        envvar="INTERLOCK_WITNESS_PASSPHRASE",
        help="Passphrase of its key; better in the environment. Without one it is made, and stored beside the key.",
    ),
]
_Key = Annotated[str, typer.Argument(help="The log's verifier key: name+id+base64, on one line.", metavar="VKEY")]
_COLUMNS = ("log", "size", "cosigned_at", "refused")

witness = typer.Typer(
    help="See that an exporter's log only grows, and cosign it: for an NGO, a regulator, a customer.\n\n"
    "A licensing server writes every act to a log: who was granted what, what was suspended, and why. The exporter's "
    "signature under it shows that they said so, not that they say the same to everybody. A witness remembers the "
    "newest state of the log that it saw, and cosigns a newer one only with a proof that nothing was changed or "
    "dropped. Auditors, journalists and courts who trust you then need not trust the exporter. It sees sizes and "
    "hashes, never what the entries say; it needs a few megabytes; and it must not be run by the exporter.\n\n"
    "To begin: interlock witness init, then trust, then serve; give the exporter your key and your address.",
    no_args_is_help=True,
)


@witness.command("init")
@local
def init(
    output: Output,
    name: Annotated[
        str,
        typer.Argument(help="Its name for ever: an address of yours without https://, such as witness.example.org/1."),
    ],
    folder: _Folder = _DEFAULT,
    passphrase: _Passphrase = None,
) -> None:
    """Make a witness: its key, and a memory that is empty. Prints the verifier key to hand to logs.

    Keep one copy of the key and its passphrase apart. Never put back an older copy of the memory, witness.db: a witness
    that forgets can be led to cosign another past. If the memory is lost, make a new witness.

    Example:  interlock witness init witness.example.org/1 --data-dir /srv/witness
    """
    from licensing_server.witness import begin

    _quiet()
    key = begin(folder, name, passphrase)
    output.record({"key": str(key), "data_dir": str(folder)}, f"{folder} is ready.")
    output.note(f"Next: know a log      interlock witness trust VKEY --data-dir {folder}")
    output.note(f"      then begin      interlock witness serve --data-dir {folder}")
    output.note("      and give the key above, and your address, to the log.")


@witness.command("trust")
@local
def trust(
    output: Output,
    key: _Key,
    folder: _Folder = _DEFAULT,
    passphrase: _Passphrase = None,
    origin: Annotated[
        str | None, typer.Option(help="First line of its checkpoints, where that is not the name in the key.")
    ] = None,
) -> None:
    """Know a log from now on. Get its key from where many would see it change: a contract, a printed page, a court.

    A log whose key is changed is trusted by both: its origin, the name in the key, is the same. A running witness knows
    at once. Some logs, Go's checksum database among them, have a key of another name: say their origin.

    Example:  interlock witness trust exporter.example/log+1a2b3c4d+AW…
    Example:  interlock witness trust sum.golang.org+033de0ae+Ac4z… --origin 'go.sum database tree'
    """
    with _open(folder, passphrase) as opened:
        known, is_new = opened.trust(key, _now(), origin)
    output.record({"log": known, "new": is_new}, "" if is_new else "This key was known already.")


@witness.command("distrust")
@local
def distrust(output: Output, key: _Key, folder: _Folder = _DEFAULT, passphrase: _Passphrase = None) -> None:
    """Know a log by this key no longer. What was seen of it stays remembered.

    Example:  interlock witness distrust exporter.example/log+1a2b3c4d+AW…
    """
    with _open(folder, passphrase) as opened:
        known, was_known = opened.distrust(key)
    output.record({"log": known, "known": was_known}, "" if was_known else "This key was not known.")


@witness.command("show")
@local
def show(output: Output, folder: _Folder = _DEFAULT, passphrase: _Passphrase = None) -> None:
    """Show the witness's key, the logs that it knows, and what it cosigned and refused.

    What was refused was signed by the log all the same, and does not follow from what was cosigned before. Two
    checkpoints of one size prove that the log shows two pasts: --json gives both, whole. Where the newer one is larger,
    ask the log for the proof that should have come with it; anybody can send a checkpoint without one.

    Example:  interlock witness show --json
    """
    with _open(folder, passphrase) as opened:
        key, logs = str(opened.key), opened.known()
    if output.as_json:
        output.json({"key": key, "logs": [_log_json(log) for log in logs]})
        return
    output.say(key)
    output.rows([_log_row(log) for log in logs], _COLUMNS)


@witness.command("serve")
@local
def serve(
    output: Output,
    folder: _Folder = _DEFAULT,
    passphrase: _Passphrase = None,
    host: Annotated[str, typer.Option(envvar="INTERLOCK_WITNESS_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="INTERLOCK_WITNESS_PORT", help="Port; 0 for any free one.", min=0, max=65535)
    ] = 8471,
    rate: Annotated[int, typer.Option(help="Most requests of one address in a minute.", min=1)] = 240,
    trusted_proxies: Annotated[
        str, typer.Option(help="Addresses whose X-Forwarded-For is believed, separated by commas.")
    ] = "127.0.0.1",
    log_json: Annotated[bool, typer.Option("--log-json/--log-text", help="How logs are written.")] = True,
) -> None:
    """Answer logs and monitors until SIGTERM or Ctrl+C.

    POST /add-checkpoint is for logs, GET /<hex SHA-256 of the origin>/checkpoint for monitors, GET / says the key and
    the logs, GET /healthz that it is alive (all as c2sp.org/tlog-witness says). Nothing that is sent or answered is
    secret, and all of it is signed; a proxy that ends TLS in front keeps others from seeing who asks. Once it answers,
    it writes one line to standard output: INTERLOCK_WITNESS=http://127.0.0.1:8471, or with --json {"witness": …}.

    Example:  interlock witness serve --data-dir /srv/witness --host 0.0.0.0 --port 8471
    """
    from licensing_server import listening, logs
    from licensing_server.witness import create_app, open_witness

    logs.configure(as_json=log_json)

    def announce() -> None:
        address = listening.address_of(listener)
        if output.as_json:
            output.json({"witness": address})
        else:
            typer.echo(f"INTERLOCK_WITNESS={address}")

    with closing(open_witness(folder, passphrase)) as opened, closing(listening.bind(host, port)) as listener:
        config = listening.config_of(create_app(opened, rate=rate), trusted_proxies)
        listening.Server(config, announce).run(sockets=[listener])


@contextmanager
def _open(folder: Path, passphrase: str | None) -> Iterator[Witness]:
    from licensing_server.witness import open_witness

    _quiet()
    with closing(open_witness(folder, passphrase)) as opened:
        yield opened


def _quiet() -> None:
    from licensing_server import logs

    logs.configure(as_json=False, level=logging.CRITICAL)


def _now() -> int:
    from licensing_server import clock

    return clock.now()


def _log_row(log: Known) -> dict[str, Any]:
    cosigned = "never" if log.cosigned_at is None else instant(log.cosigned_at)
    name = log.origin if log.keys else f"{log.origin} (trusted no longer)"
    return {"log": name, "size": log.size, "cosigned_at": cosigned, "refused": len(log.refused)}


def _log_json(log: Known) -> dict[str, Any]:
    refused = [
        {
            "size": found.size,
            "answer": found.answer,
            "at": found.at,
            "request": found.request.decode(),
            "seen": found.seen.decode(),
        }
        for found in log.refused
    ]
    facts = {"log": log.origin, "address": log.address, "keys": list(log.keys), "size": log.size}
    return facts | {"cosigned_at": log.cosigned_at, "refused": refused}
