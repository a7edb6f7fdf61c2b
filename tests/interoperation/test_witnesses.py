"""Another's witness cosigns our log, and another's client is cosigned by our witness: ``aics-witness``."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from licensing_protocol.log.note import Note, signature_lines
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.witness import AddCheckpoint
from tests.interoperation.others import Others
from tests.server.process import free_port
from tests.server.witnessing.test_processes import exporter, rewrite_the_past, until
from tests.witness.logs import SimulatedLog
from tests.witness.process import WitnessProcess

CLIENT = """
import base64, sys
from aics_witness.feeder import WitnessClient, WitnessRejected
client = WitnessClient(sys.argv[1], sys.argv[2])
for line in sys.stdin:
    note, old, *proof = line.split()
    try:
        sent = client.submit(base64.b64decode(note), (int(old), [base64.b64decode(found) for found in proof]))
        print(sent.encode().hex(), flush=True)
    except WitnessRejected as refusal:
        print(refusal.status, flush=True)
"""


@dataclass
class OtherWitness(WitnessProcess):
    """``aics-witness serve``, to be used as ours."""

    environment: dict[str, str] = field(default_factory=dict)

    @property
    def _program(self) -> list[str]:
        return [sys.executable, "-m", "aics_witness"]

    def make(self) -> OtherWitness:
        """Make it in its folder, with an address of its own."""
        self.folder.mkdir()
        self.vkey = self._run("init", "--name", "other.example/w").splitlines()[-1]
        self.address = f"http://127.0.0.1:{free_port()}"
        return self

    def trust(self, vkey: str) -> None:
        """Make a log known to it, and let it begin: it reads them once."""
        self._run("add-log", "--origin", NoteKey.parse(vkey).name, "--vkey", vkey)
        command = [*self._program, "serve", *self._config, "--listen", self.address.removeprefix("http://")]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        until(self._answers)

    def stop(self, number: int = 15) -> int:
        """Send a signal, and return the exit code."""
        self._process.send_signal(number)
        code: int = self._process.wait(timeout=20)
        return code

    @property
    def _config(self) -> list[str]:
        return ["--config", str(self.folder / "witness.json")]

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/healthz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def _run(self, verb: str, *arguments: str) -> str:
        command = [*self._program, verb, *self._config, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[WitnessProcess]:
    """Our witness."""
    with WitnessProcess.begin(tmp_path / "ours", "ours.example/w") as made:
        yield made


def test_anothers_witness_cosigns_our_log_and_refuses_another_past(tmp_path: Path, others: Others) -> None:
    other = OtherWitness(tmp_path / "other", "", environment=others.environment).make()
    with exporter(tmp_path, other) as made:
        made.act()
        before = made.cosigned(1)
        made.act()
        until(lambda: made.cosigned(1).text != before.text)
        assert NoteKey.parse(other.vkey) in made.head().verify([NoteKey.parse(other.vkey)])
        made.server.kill()
        rewrite_the_past(made.server.settings.data_dir)
        made.server.start()
        until(lambda: bool(made.refusing() == ["other.example/w"]))
        assert other.stop() == 0


def test_anothers_client_is_cosigned_by_our_witness(ours: WitnessProcess, others: Others) -> None:
    log = SimulatedLog().grow(10)
    ours.trust(log.vkey)
    asked = [
        log.request(0),
        log.grow(300).request(10),
        log.rewritten().request(310),
        log.rewritten().grow(9).request(310),
    ]
    lines = []
    for body in asked:
        request = AddCheckpoint.parse(body)
        parts = [base64.b64encode(request.note.to_bytes()), str(request.old).encode()]
        lines.append(b" ".join([*parts, *map(base64.b64encode, request.proof)]))
    told = others.run("-c", CLIENT, ours.address, ours.vkey, said=b"\n".join(lines)).decode().split()
    assert told[2:] == ["409", "422"]
    key = NoteKey.parse(ours.vkey)
    for body, line in zip(asked[:2], told[:2], strict=True):
        cosigned = Note(AddCheckpoint.parse(body).note.text, signature_lines(bytes.fromhex(line).decode()))
        assert cosigned.verify([key]) == (key,)
