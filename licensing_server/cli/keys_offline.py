"""``interlock keys``, the part for machines without a network: hold a ceremony, make a holder's key, sign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.command import local
from licensing_server.cli.exits import Misused
from licensing_server.cli.files import read_passphrase, write_secret
from licensing_server.cli.metadata import described, read_metadata, write_metadata
from licensing_server.cli.output import Output

keys = typer.Typer(
    help="The root of trust: keys that people hold, and the keys with which the server signs.", no_args_is_help=True
)
_PassphraseFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--passphrase-file",
        help="File with the passphrase of a key; once for all keys, or once for each in their order. Else it is asked.",
        exists=True,
        dir_okay=False,
    ),
]


@keys.command("ceremony")
@local
def ceremony(
    output: Output,
    folder: Annotated[Path, typer.Argument(help="New folder for the keys and the first root.")],
    holders: Annotated[int, typer.Option(help="How many people hold a key.", min=1, max=16)] = 3,
    threshold: Annotated[int, typer.Option(help="How many of them must sign.", min=1, max=16)] = 2,
    post_quantum: Annotated[
        bool, typer.Option("--post-quantum", help="Add an ML-DSA-65 key that must sign beside them.")
    ] = False,
    days: Annotated[int, typer.Option(help="Days until the root expires.", min=1, max=36_500)] = 3650,
    passphrase_file: _PassphraseFiles = None,
) -> None:
    """Make the root keys, each in an encrypted file for one holder, and the first root that products pin.

    Do it on a machine without a network, with the holders present: each gives the passphrase of their own key and
    takes its file away. Carry 1.root.json to the server and begin there with: interlock init --root 1.root.json

    Example:  interlock keys ceremony /media/usb/ceremony --holders 3 --threshold 2
    """
    from licensing_server import clock
    from licensing_server.trust.ceremony import Ceremony

    held = Ceremony.hold(clock.now(), holders=holders, threshold=threshold, post_quantum=post_quantum, days=days)
    secrets = _passphrases(passphrase_file, list(held.keys), new=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for (name, key), secret in zip(held.keys.items(), secrets, strict=True):
        write_secret(folder / name, key.to_pem(secret).decode("ascii"))
    write_metadata(folder / "1.root.json", held.root)
    files = [str(folder / name) for name in held.keys]
    output.record({"root": str(folder / "1.root.json"), "keys": files} | described(held.root))
    output.note("Next: give each holder their key file, and keep no copy of it on this machine.")


@keys.command("holder")
@local
def holder(
    output: Output,
    private: Annotated[Path, typer.Argument(help="New file for the private key, such as root-key-4.pem.")],
    post_quantum: Annotated[bool, typer.Option("--post-quantum", help="Make an ML-DSA-65 key.")] = False,
    passphrase_file: _PassphraseFiles = None,
) -> None:
    """Make one root key for a new holder: the private file to keep, and beside it the public one to give away.

    Carry the public file to the server, which proposes the next root with it: interlock keys revoke --replacement

    Example:  interlock keys holder root-key-4.pem
    """
    from licensing_protocol.trust.compose import write_key
    from licensing_protocol.trust.offline import OfflineKey

    made = OfflineKey.generate(post_quantum=post_quantum)
    (secret,) = _passphrases(passphrase_file, [private.name], new=True)
    public = private.with_suffix(".pub.json")
    write_secret(private, made.to_pem(secret).decode("ascii"))
    write_metadata(public, write_key(made.key))
    output.record({"private": str(private), "public": str(public), "keyid": made.key.keyid})


@keys.command("sign")
@local
def sign(
    output: Output,
    file: Annotated[Path, typer.Argument(help="Root or Targets to sign; the file is replaced.", exists=True)],
    key: Annotated[list[Path], typer.Option(help="Your private root key; more than once for several.", exists=True)],
    passphrase_file: _PassphraseFiles = None,
) -> None:
    """Sign a root or Targets with the key that you hold. The file then goes to the next holder, or to the server.

    Read first what it says:  interlock keys show FILE. What is shown here again is what you have signed.

    Example:  interlock keys sign targets.2.json --key root-key-1.pem
    """
    from licensing_protocol import canonical
    from licensing_protocol.trust.offline import OfflineKey
    from licensing_server.trust.ceremony import signed

    document = read_metadata(file)
    described(document)
    secrets = _passphrases(passphrase_file, [path.name for path in key], new=False)
    opened = [OfflineKey.from_pem(path.read_bytes(), secret) for path, secret in zip(key, secrets, strict=True)]
    document = signed(document, opened)
    draft = file.with_name(f".{file.name}.new")
    draft.write_bytes(canonical.encode(document) + b"\n")
    draft.replace(file)
    output.record({"file": str(file)} | described(document))


def _passphrases(files: Sequence[Path] | None, names: Sequence[str], *, new: bool) -> list[bytes]:
    """Return the passphrase of each key: of the files given, or asked for one after the other.

    Raises:
        Misused: ``passphrase.count`` for another number of files than keys; ``passphrase.empty``.
    """
    if not files:
        given = [_asked(name, new=new) for name in names]
    elif len(files) in {1, len(names)}:
        read = [read_passphrase(file) or b"" for file in files]
        given = read * len(names) if len(read) == 1 else read
    else:
        raise Misused("passphrase.count", f"There are {len(names)} keys: give one passphrase file, or one for each.")
    if not all(given):
        raise Misused("passphrase.empty", "A root key is never kept without a passphrase.")
    return given


def _asked(name: str, *, new: bool) -> bytes:
    secret: str = typer.prompt(f"Passphrase of {name}", hide_input=True, confirmation_prompt=new, err=True)
    return secret.encode("utf-8")
