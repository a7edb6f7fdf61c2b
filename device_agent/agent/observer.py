"""Looks at the product's parts, and journals what changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from device_agent import journal
from device_agent.enforcement import Beliefs
from device_agent.measurement import Change, FileReader, Measured, Settings, changes, kept, measure
from licensing_protocol.journal import EventType

_ATTEMPTS: Final = 3


class Observer:
    """Measurements of one product. All methods can be called from any thread."""

    def __init__(self, beliefs: Beliefs, product_folder: Path | None, settings: Settings | None) -> None:
        self._beliefs = beliefs
        self._folder = product_folder
        self._settings = settings
        self._reader = FileReader()
        self.forked()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks are not its own."""
        self._measuring = threading.Lock()

    def measure(self, *, whole: bool = True) -> tuple[Change, ...]:
        """Measure the product's components, and journal once what changed since any process measured last.

        Unless ``whole``, files that nobody has touched are not read again.

        Raises:
            StoreError: a change could not be journalled; the next measurement finds it again.
        """
        with self._measuring:
            if whole:
                self._reader.forget()
            for _ in range(_ATTEMPTS):
                with self._beliefs.store.read() as connection:
                    before = kept.digests(connection)
                found = measure(self._beliefs.manifest.measure, self._folder, self._settings, self._reader)
                changed = self._keep(before, found)
                if changed is not None:
                    return changed
            return ()

    def _keep(self, before: Mapping[str, bytes], found: tuple[Measured, ...]) -> tuple[Change, ...] | None:
        """Keep what was found; ``None`` where another process kept something newer meanwhile."""
        named = {component.name for component in self._beliefs.manifest.measure}
        if before.keys() <= named and all(before.get(component.name) == component.digest for component in found):
            return ()
        reading = self._beliefs.clock.read()
        with self._beliefs.store.write() as connection:
            if kept.digests(connection) != before:
                return None
            changed = changes(kept.read(connection), found)
            kept.write(connection, found, named)
            for change in changed:
                bounds = self._beliefs.bounds(reading)
                journal.append(connection, EventType.CONFIGURATION_CHANGED, change.to_data(), bounds, reading.boot)
        return changed
