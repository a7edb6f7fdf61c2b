"""Measures the components that a product's manifest names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from device_agent.measurement.files import FileReader, TooManyLeaves
from device_agent.measurement.state import MISSING, OVERSIZED, UNREADABLE
from licensing_protocol.canonical import digest, encode, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.manifest import Component, ComponentKind
from licensing_protocol.measurement import TreeLeaf, tree_digest

Settings: TypeAlias = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One component as it is. ``leaves`` maps the encoded paths of a tree to the hashes of its leaves."""

    name: str
    digest: bytes
    leaves: Mapping[str, str] = field(default_factory=dict)


def measure(
    components: Iterable[Component], product_folder: Path | None, settings: Settings | None, reader: FileReader
) -> tuple[Measured, ...]:
    """Measure every component within reach, in the manifest's order.

    What is missing or cannot be read is a state that has a digest of its own (:mod:`device_agent.measurement.state`);
    nothing is raised into the product, whatever its disk or its settings do. Without a ``product_folder`` files are
    out of reach, without ``settings`` the settings are: a process beside the product's own, such as a command line,
    leaves them to the process that sees them, and reports no change where there is none.
    """
    components = tuple(components)
    named = [component for component in components if component.kind is ComponentKind.SETTING]
    values = None if settings is None or not named else _settings(settings)
    measured = []
    for component in components:
        if component.kind is ComponentKind.SETTING and settings is not None:
            measured.append(Measured(component.name, _setting(component.name, values)))
        elif component.path is not None and product_folder is not None:
            measured.append(_files(component, product_folder / component.path, reader))
    return tuple(measured)


def _files(component: Component, path: Path, reader: FileReader) -> Measured:
    if component.kind is ComponentKind.FILE:
        return Measured(component.name, reader.file(path))
    return _tree(component.name, path, reader)


def _tree(name: str, top: Path, reader: FileReader) -> Measured:
    try:
        leaves = reader.tree(top)
    except TooManyLeaves:
        return Measured(name, OVERSIZED)
    except FileNotFoundError:
        return Measured(name, MISSING)
    except OSError:
        return Measured(name, UNREADABLE)
    return Measured(name, tree_digest(leaves), {leaf.encoded_path: _short(leaf) for leaf in leaves})


def _short(leaf: TreeLeaf) -> str:
    return to_base64url(leaf_hash(leaf.to_bytes()))


def _settings(settings: Settings) -> Mapping[str, Any] | None:
    """Return the product's settings, or ``None`` where its own function fails."""
    try:
        return dict(settings())
    except Exception:
        return None


def _setting(name: str, values: Mapping[str, Any] | None) -> bytes:
    if values is None:
        return UNREADABLE
    if name not in values:
        return MISSING
    try:
        return digest(encode(values[name]))
    except (MalformedDocument, RecursionError):
        return UNREADABLE
