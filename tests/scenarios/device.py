"""A device of the story: its folder, its clocks, and the process that runs while its power is on."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from device_agent.clock import SystemClock
from licensing_protocol.canonical import JsonObject, decode_object, encode
from tests.scenarios.ports import Dial
from tests.scenarios.waiting import PATIENCE_S

_REPOSITORY = Path(__file__).parents[2]
# Clocks are looked at ten times a second; whoever sets one takes longer than that.
_SETTING_A_CLOCK_S = 0.2
Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a device's ``store``; ``wall`` and ``boottime`` are its clocks at that moment, in seconds."""

    store: Path
    wall: float
    boottime: float


class Device:
    """Powered on from the beginning. ``receivers`` is how many it has to tell its position."""

    def __init__(self, folder: Path, manifest: str, vendor_key: JsonObject, receivers: int = 0) -> None:
        self.folder = folder
        self.id = ""
        self._receivers = receivers
        self._boots = 1
        self._machine = SystemClock()
        self._dial = Dial(0.0, self._machine.boottime())
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True)
        (folder / "vendor-key.json").write_bytes(encode(vendor_key))
        self.install(manifest)
        self.power_on()

    @property
    def wall(self) -> float:
        """What its wall clock shows, in seconds since the epoch."""
        return self._machine.read().wall + self._dial.ahead

    def install(self, manifest: str) -> None:
        """Put a release's manifest in its place, for the next start."""
        (self.folder / "manifest.jws").write_text(manifest, "ascii")

    def power_on(self) -> None:
        """Start the product, in the boot that its clocks say."""
        words = [str(self.folder), "--receivers", str(self._receivers), "--boot", f"boot-{self._boots}"]
        words += [f"--ahead={self._dial.ahead!r}", f"--began={self._dial.began!r}"]
        with (self.folder / "product.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.scenarios.product", *words],
                env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def power_off(self) -> None:
        """Cut the power: nothing is closed, nothing is written any more."""
        if self._process is not None:
            process, self._process = self._process, None
            with process:
                process.kill()

    def shut_down(self) -> None:
        """Let the product end by itself."""
        assert self._process is not None
        process, self._process = self._process, None
        with process:
            process.communicate(timeout=PATIENCE_S)

    def reboot(self, *, wall: float | None = None) -> None:
        """Cut the power and switch on again; ``wall`` is what the wall clock then shows, if not what it showed."""
        self.power_off()
        self._boots += 1
        ahead = self._dial.ahead if wall is None else wall - self._machine.read().wall
        self._dial = Dial(ahead, self._machine.boottime())
        self.power_on()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as all clocks of the device see it."""
        self._set(Dial(self._dial.ahead + seconds, self._dial.began - seconds))

    def set_wall(self, wall: float) -> None:
        """Set the wall clock while the device runs."""
        self._set(Dial(wall - self._machine.read().wall, self._dial.began - _SETTING_A_CLOCK_S))

    def place(self, *fixes: Position | None, uncertainty_m: float = 5.0) -> None:
        """Tell each receiver where it is, and wait until the agent has asked all of them."""
        told = [None if fix is None else _fix(fix, uncertainty_m) for fix in fixes]
        assert self.ask("place", fixes=told) == {"asked": True}

    def locate(self, position: Position, *, uncertainty_m: float = 5.0) -> None:
        """Let the product itself say where it is."""
        self.ask("locate", **_fix(position, uncertainty_m))

    def line(self, state: Literal["whole", "cut", "mute", "deaf", "replay"], old: str = "") -> None:
        """Bend the network: see :class:`~tests.scenarios.ports.ToldLine`."""
        self.ask("line", state=state, old=old)

    def enroll(self, token: str) -> None:
        """Become known to the exporter, and fetch the lists."""
        self.id = self.ask("enroll", token=token)["device"]
        assert self.sync()["problems"] == []

    def sync(self) -> JsonObject:
        """Report to the exporter, and return what came of it."""
        return self.ask("sync")

    def take(self, answer: JsonObject) -> JsonObject:
        """Let somebody bring a file with an answer."""
        path = self.folder / "answer.json"
        path.write_bytes(encode(answer))
        return self.ask("import", path=str(path))

    def decide(self, capability: str, **use: Any) -> JsonObject:
        """Return what would be answered to a use: ``granted``, ``code``, and ``degraded`` or ``sentence``."""
        return self.ask("decide", capability=capability, **use)

    def use(self, capability: str, **use: Any) -> JsonObject:
        """Use a capability once, and return what was answered."""
        return self.ask("use", capability=capability, **use)

    def code(self, capability: str, **use: Any) -> str:
        """Return why a use would be denied or degraded, or ``granted``."""
        return str(self.decide(capability, **use)["code"])

    def status(self) -> JsonObject:
        """Return how the device stands."""
        return self.ask("status")

    def snapshot(self) -> Snapshot:
        """Copy the store of a device that is off, and note what its clocks show."""
        assert self._process is None
        copy = self.folder / f"snapshot-{len(list(self.folder.glob('snapshot-*')))}"
        shutil.copytree(self.folder / "agent", copy)
        return Snapshot(copy, self.wall, self._machine.boottime() - self._dial.began)

    def restore(self, snapshot: Snapshot, *, clocks: bool = False) -> None:
        """Put a copy in the place of the store of a device that is off; with ``clocks``, as a virtual machine does."""
        assert self._process is None
        shutil.rmtree(self.folder / "agent")
        shutil.copytree(snapshot.store, self.folder / "agent")
        if clocks:
            now = self._machine.read()
            self._dial = Dial(snapshot.wall - now.wall, now.boottime - snapshot.boottime)

    def ask(self, do: str, **members: Any) -> JsonObject:
        """Tell the product one line, and return its answer."""
        process = self._process
        assert process is not None, "it has no power"
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": do} | members) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(PATIENCE_S) else ""
        assert line, (self.folder / "product.log").read_text("utf-8", "replace")[-2000:]
        return decode_object(line.encode("utf-8"))

    def _set(self, dial: Dial) -> None:
        self._dial = dial
        if self._process is not None:
            # As text: the strict decoder of the product's console knows no floats that are too long.
            self.ask("clock", ahead=repr(dial.ahead), began=repr(dial.began))


def _fix(position: Position, uncertainty_m: float) -> JsonObject:
    return {"latitude": position[0], "longitude": position[1], "uncertainty_m": uncertainty_m}
