"""Roots and Targets as files that are carried from machine to machine, and what they say in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from licensing_protocol import canonical
from licensing_protocol.canonical import JsonObject
from licensing_server.cli.exits import Misused, Refused
from licensing_server.cli.files import read_object


def read_metadata(path: Path) -> JsonObject:
    """Return the metadata in a file.

    Raises:
        Misused: ``file.json``, ``metadata.file`` where it holds something else.
    """
    document = read_object(path)
    if kind_of(document) not in {"root", "targets"} or not isinstance(document.get("signatures"), list):
        raise Misused("metadata.file", f"{path} holds neither a root nor Targets.")
    return document


def write_metadata(path: Path, document: JsonObject) -> None:
    """Write metadata to a new file.

    Raises:
        Refused: ``file.exists``.
    """
    try:
        with path.open("xb") as file:
            file.write(canonical.encode(document) + b"\n")
    except FileExistsError as error:
        raise Refused("file.exists", f"{path} is there already; choose another name.") from error


def write_proposals(folder: Path, documents: Sequence[JsonObject]) -> list[Path]:
    """Write what is to be signed into a folder, as ``targets.7.json`` or ``2.root.json``; raises as above."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name_of(document) for document in documents]
    for path, document in zip(paths, documents, strict=True):
        write_metadata(path, document)
    return paths


def name_of(document: JsonObject) -> str:
    """Return the file name that metadata usually have."""
    kind, version = kind_of(document), document["signed"]["version"]
    return f"{version}.root.json" if kind == "root" else f"targets.{version}.json"


def kind_of(document: JsonObject) -> str:
    """Return ``root`` or ``targets``, or whatever else it says it is."""
    signed = document.get("signed")
    return str(signed.get("_type")) if isinstance(signed, dict) else ""


def described(document: JsonObject) -> dict[str, Any]:
    """Return what metadata say, for a holder to read before signing.

    Raises:
        MalformedDocument: they are not sound.
    """
    from licensing_protocol.trust.metadata import read_root, read_targets

    if kind_of(document) == "root":
        held = read_root(document)
        role = document["signed"]["roles"]["root"]
        said: dict[str, Any] = {"must_sign": role["threshold"], "holders": role["keyids"]}
        expires = held.expires
    else:
        targets = read_targets(document)
        named = sorted(targets.delegations.items())
        said = {"keys": {str(name): sorted(key.thumbprint for key in keys) for name, keys in named}}
        expires = targets.held.expires
    names = {"kind": kind_of(document), "version": document["signed"]["version"], "expires": expires}
    return names | said | {"signatures": [signature["keyid"] for signature in document["signatures"]]}
