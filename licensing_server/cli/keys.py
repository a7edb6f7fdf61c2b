"""``interlock keys``, the part of the server's machine: what is published, what is proposed, what comes back signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from licensing_server.cli.command import Machine, machine
from licensing_server.cli.exits import Refused
from licensing_server.cli.files import read_object
from licensing_server.cli.keys_offline import keys
from licensing_server.cli.metadata import described, read_metadata, write_proposals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from licensing_protocol.canonical import JsonObject
    from licensing_server.database import Database
    from licensing_server.signing import Custody

__all__ = ["keys"]


class Purpose(StrEnum):
    """What a signing key is for."""

    ENTITLEMENT = "entitlement"
    STATUS = "status"
    RECEIPT = "receipt"
    APPRAISAL = "appraisal"
    LOG = "log"


_Out = Annotated[Path, typer.Option("--out", help="Folder to write what is to be signed into.", file_okay=False)]
_Days = Annotated[int, typer.Option(help="Days until the new Targets expire.", min=1, max=36_500)]


@keys.command("show")
@machine
def show(
    desk: Machine,
    file: Annotated[Path | None, typer.Argument(help="Root or Targets in a file, wherever you are.")] = None,
) -> None:
    """Show the published root of trust and which keys sign; or with a file, what somebody is asked to sign.

    Example:  interlock keys show
    """
    if file is not None:
        desk.output.record(described(read_metadata(file)))
        return
    from licensing_server import trust

    with _opened(desk) as (database, custody), database.read() as session:
        root = described(trust.newest_root(session).document)
        document = trust.newest_targets(session)
        targets = None if document is None else described(document)
        signing = {str(purpose): _signs(custody, purpose) for purpose in Purpose}
        living = _living(session, custody)
    shown = {"root": root["version"], "root_expires_at": root["expires"]}
    shown |= {"holders": root["holders"], "must_sign": root["must_sign"]}
    if targets is not None:
        shown |= {"targets": targets["version"], "targets_expires_at": targets["expires"], "keys": targets["keys"]}
    desk.output.record(shown | {"signs": signing, "entitlements_under_older_keys": living})


@keys.command("rotate")
@machine
def rotate(
    desk: Machine,
    out: _Out,
    purpose: Annotated[
        list[Purpose] | None, typer.Option(help="Purpose to make a new key for; all five if not said.")
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="End a rotation: propose Targets without the keys that sign no more.")
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Finish although devices still hold entitlements under an older key.")
    ] = False,
    days: _Days = 730,
) -> None:
    """Make new signing keys, and propose Targets that name them beside the old ones. Nothing is interrupted.

    Let the holders sign the proposal (keys sign) and bring it in (keys import): from then on the new keys sign. Status
    lists are signed anew at once, each entitlement when its device next asks. When keys show counts none under older
    keys any more, do the same with --finish.

    Example:  interlock keys rotate --out proposal
    """
    from licensing_protocol.trust import Delegation
    from licensing_server import clock
    from licensing_server.trust import changes

    terms = changes.Terms(clock.now(), targets_days=days)
    with _opened(desk) as (database, custody), database.write() as session:
        if finish:
            living = _living(session, custody)
            if living and not now:
                sentence = f"{living} devices hold an entitlement under an older key; it is signed anew when each asks."
                raise Refused("keys.alive", sentence, advice="Wait for them, or end it for them with --now.")
            proposed = changes.retirement(session, custody, terms)
        else:
            chosen = [Delegation(str(name)) for name in purpose or Purpose]
            proposed = changes.rotation(session, custody, chosen, terms)
    _hand_out(desk, out, [proposed])


# One id in sixty-four begins with a hyphen, and is no option; nor is an h in it.
@keys.command("revoke", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@machine
def revoke(
    desk: Machine,
    key: Annotated[str, typer.Argument(help="The key's id, as keys show tells it.")],
    out: _Out,
    replacement: Annotated[
        Path | None,
        typer.Option(help="Public key of the holder who takes the place, as keys holder writes it.", exists=True),
    ] = None,
    days: _Days = 730,
) -> None:
    """Propose to remove a key at once, because it is in wrong hands or lost: a signing key, or one of the root's.

    From the moment a device learns of it, nothing that the key signed counts, and the numbers and times that it set are
    forgotten. For a signing key without a successor a new one is made here.

    Example:  interlock keys revoke 1uUQnQRl3P-u5x8UVFnRJBUzTamDmRgG72aaMeKfMsY --out proposal
    """
    from licensing_protocol.trust.compose import read_key
    from licensing_server import clock
    from licensing_server.trust import changes

    holder = None if replacement is None else read_key(read_object(replacement))
    with _opened(desk) as (database, custody), database.write() as session:
        terms = changes.Terms(clock.now(), targets_days=days)
        proposed = changes.revocation(session, custody, key, terms, holder)
    _hand_out(desk, out, proposed)


@keys.command("renew")
@machine
def renew(
    desk: Machine,
    out: _Out,
    root: Annotated[bool, typer.Option("--root", help="Propose the next root as well.")] = False,
    days: _Days = 730,
    root_days: Annotated[int, typer.Option(help="Days until the new root expires.", min=1, max=36_500)] = 3650,
) -> None:
    """Propose Targets that say the same until a later day. Do it in time: after they expire nothing new counts.

    Example:  interlock keys renew --out proposal
    """
    from licensing_server import clock
    from licensing_server.trust import changes

    terms = changes.Terms(clock.now(), targets_days=days, root_days=root_days)
    with _opened(desk) as (database, _), database.read() as session:
        proposed = changes.renewal(session, terms, root=root)
    _hand_out(desk, out, proposed)


@keys.command("import")
@machine
def bring_in(
    desk: Machine, files: Annotated[list[Path], typer.Argument(help="Signed roots and Targets.", exists=True)]
) -> None:
    """Publish roots and Targets that enough holders have signed, all or none. A running server signs by them at once.

    What a device would refuse is refused here.

    Example:  interlock keys import proposal/targets.2.json
    """
    from licensing_server import clock, trust

    documents = [read_metadata(file) for file in files]
    with _opened(desk) as (database, custody):
        with database.write() as session:
            found = trust.publish(session, documents, actor="system", now=clock.now())
        with database.read() as session:
            trust.Newest(custody).refresh(session)
    signing = {str(purpose): _signs(custody, purpose) for purpose in Purpose}
    versions = {"root": found.version, "targets": found.targets} if found else {"root": 1, "targets": None}
    desk.output.record(versions | {"signs": signing}, "Published. Devices take it with their next report.")


@contextmanager
def _opened(desk: Machine) -> Iterator[tuple[Database, Custody]]:
    from licensing_server import setup, trust

    database, custody = setup.open_server(desk.settings())
    with closing(database):
        with database.read() as session:
            trust.Newest(custody).refresh(session)
        yield database, custody


def _hand_out(desk: Machine, folder: Path, documents: Sequence[JsonObject]) -> None:
    paths = [str(path) for path in write_proposals(folder, documents)]
    desk.output.record({"to_sign": paths})
    desk.output.note("Next: let the holders sign  interlock keys sign FILE --key root-key-1.pem")
    desk.output.note(f"      then bring it in      interlock keys import {' '.join(paths)}")


def _signs(custody: Custody, purpose: Purpose) -> str | None:
    from licensing_protocol.trust import Delegation
    from licensing_server.problem import Unavailable

    try:
        return custody.signer(Delegation(str(purpose))).key.thumbprint
    except Unavailable:
        return None


def _living(session: Session, custody: Custody) -> int:
    """Return how many devices hold an entitlement under a key that signs no more."""
    from licensing_protocol.trust import Delegation
    from licensing_server import clock, trust
    from licensing_server.entitlements.living import living_under

    found = trust.trusted(session)
    if found is None:
        return 0
    signing = custody.signer(Delegation.ENTITLEMENT).key
    older = [key for key in found.keys(Delegation.ENTITLEMENT) if key != signing]
    return sum(living_under(session, key, clock.now()) for key in older)
