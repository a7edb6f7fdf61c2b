"""The folder of a witness: its key, and what it remembers. Neither is any use without the other.

A witness that forgets can be led to cosign another past. So nothing but ``begin`` makes the memory, it belongs to one
key, and an older copy of it must never be put back.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.log.note_key import NoteKey, NoteSigner, SignatureType, refuse_name
from licensing_server.database import Database
from licensing_server.problem import Conflict, Unavailable
from licensing_server.signing.files import write_secret
from licensing_server.witness.memory import Memory, Own, own_key
from licensing_server.witness.witness import Witness

_KEY = "witness.pem"
_PASSPHRASE = "passphrase"
_MEMORY = "witness.db"
_FOLDER_MODE = 0o700


def begin(folder: Path, name: str, passphrase: str | None = None) -> NoteKey:
    """Make a witness; return the key by which others verify its cosignatures.

    Without a ``passphrase`` for the key one is made and stored beside it.

    Raises:
        MalformedDocument: ``note.key_name``; Conflict: ``witness.begun``.
    """
    refuse_name(name)
    if (folder / _KEY).exists():
        sentence = f"{folder} holds a witness already; begin with: interlock witness serve, or choose another folder."
        raise Conflict("witness.begun", sentence)
    if any((folder / made).exists() for made in (_PASSPHRASE, _MEMORY)):
        sentence = f"{folder} holds a witness without its key: put {_KEY} back, or choose another folder."
        raise Conflict("witness.begun", sentence)
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if passphrase is None:
        passphrase = secrets.token_urlsafe(32)
        write_secret(folder / _PASSPHRASE, passphrase.encode())
    key = SoftwareSigner.generate()
    signer = NoteSigner(name, SignatureType.COSIGNATURE, key)
    database = Database(_url(folder))
    try:
        Memory.metadata.create_all(database.engine)
        with database.write() as session:
            session.add(Own(key=str(signer.key)))
    finally:
        database.close()
    # Last: a folder with a key is whole.
    write_secret(folder / _KEY, key.to_pem(passphrase.encode()))
    return signer.key


def open_witness(folder: Path, passphrase: str | None = None) -> Witness:
    """Open a witness.

    Raises:
        Unavailable: ``witness.absent``, ``witness.forgetful``, ``witness.key``; the sentence says what to do.
    """
    key = _open_key(folder, passphrase)
    if not (folder / _MEMORY).exists():
        raise _forgetful(f"{folder / _MEMORY} is missing")
    database = Database(_url(folder))
    try:
        with database.read() as session:
            owner = own_key(session)
        if owner is None:
            raise _forgetful(f"{folder / _MEMORY} is nobody's")
        own = NoteKey.parse(owner)
        signer = NoteSigner(own.name, SignatureType.COSIGNATURE, key)
        if signer.key != own:
            raise _forgetful(f"{folder / _MEMORY} is what another witness remembers, {own.name}")
    except BaseException:
        database.close()
        raise
    return Witness(database, signer)


def _open_key(folder: Path, passphrase: str | None) -> SoftwareSigner:
    try:
        secret = passphrase or (folder / _PASSPHRASE).read_text("utf-8").strip()
        return SoftwareSigner.from_pem((folder / _KEY).read_bytes(), secret.encode())
    except OSError as error:
        raise Unavailable("witness.absent", f"There is no witness in {folder}; run: interlock witness init") from error
    except MalformedDocument as error:
        sentence = "The witness's key does not open; look at INTERLOCK_WITNESS_PASSPHRASE."
        raise Unavailable("witness.key", sentence) from error


def _forgetful(what: str) -> Unavailable:
    sentence = f"{what}: a witness that has forgotten must not go on. Make a new one, in another folder."
    return Unavailable("witness.forgetful", sentence)


def _url(folder: Path) -> str:
    return f"sqlite:///{(folder / _MEMORY).absolute()}"
