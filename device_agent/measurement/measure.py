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
    """Measure every component, in the manifest's order.

    What is missing or cannot be read is a state that has a digest of its own (:mod:`device_agent.measurement.state`);
    nothing is raised into the product, whatever its disk or its settings do.
    """
    components = tuple(components)
    values = _settings(settings) if any(item.kind is ComponentKind.SETTING for item in components) else {}
    return tuple(_measure(component, product_folder, values, reader) for component in components)


def _measure(
    component: Component, folder: Path | None, values: Mapping[str, Any] | None, reader: FileReader
) -> Measured:
    if component.kind is ComponentKind.SETTING:
        return Measured(component.name, _setting(component.name, values))
    if folder is None or component.path is None:
        return Measured(component.name, MISSING)
    if component.kind is ComponentKind.FILE:
        return Measured(component.name, reader.file(folder / component.path))
    return _tree(component.name, folder / component.path, reader)


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


def _settings(settings: Settings | None) -> Mapping[str, Any] | None:
    """Return the product's settings, or ``None`` where its own function fails."""
    try:
        return {} if settings is None else dict(settings())
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
