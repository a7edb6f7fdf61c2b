"""A server's log on a simulated disk: real acts, the real sequencer, the real signer with its file, in random order."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_server import audit_log, clock, trust
from licensing_server.app import all_jobs
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.diligence import parties
from licensing_server.diligence.tables import Party
from licensing_server.problem import Unavailable
from licensing_server.setup import initialise, open_server
from licensing_server.signing import Custody
from licensing_server.web import Act
from tests.server.conftest import AT_HAND
from tests.server.log_reader import hold
from tests.simulators.disk import Disk
from tests.simulators.sqlite_disk import Machine

_PAGES = (4, 4, 30, 1000)
"""After so many pages SQLite moves what the WAL holds into the database; 1000 is what the server has."""
_BATCHES = (1, 1, 1, 1, 1, 1, 5, 40)


@dataclass(frozen=True)
class Made:
    """An initialised server: its settings, its keys and the bytes of its database."""

    settings: Settings
    custody: Custody
    content: bytes = field(repr=False)

    @classmethod
    def make(cls, folder: Path) -> Made:
        """Initialise one in a real folder."""
        settings = Settings(data_dir=folder, **AT_HAND)
        initialise(settings, "Ada Admin")
        database, custody = open_server(settings)
        with database.read() as session:
            trust.Newest(custody).refresh(session)
        database.close()
        return cls(settings, custody, (folder / "interlock.db").read_bytes())


@dataclass
class Said:
    """What people were told: acts that were acknowledged, and heads that were shown."""

    acknowledged: list[str] = field(default_factory=list)
    shown: list[Checkpoint] = field(default_factory=list)


class LogServer:
    """One server, started again and again on what is left; ``refused`` are the codes with which it refused to act."""

    def __init__(self, made: Made, folder: Path, disk: Disk, chosen: Random) -> None:
        self._folder, self._disk, self._chosen = folder, disk, chosen
        folder.mkdir()
        self.settings = made.settings.model_copy(update={"data_dir": folder / "data"})
        self.settings.data_dir.mkdir()
        disk.put(str(self.settings.data_dir / "interlock.db"), made.content)
        self._jobs = {job.name: job for job in all_jobs(self.settings, made.custody)}
        self._now, self._boots = clock.now(), 0
        self._opened = ExitStack()
        self._reading = ExitStack()
        self.said = Said()
        self.refused: set[str] = set()
        self.start()

    def start(self) -> None:
        """Open what is on the disk."""
        self._boots += 1
        locks = self._folder / f"boot-{self._boots}"
        self.database = Database(self.settings.url)
        machine = Machine(self.database.engine, self._disk, locks, self._chosen.choice(_PAGES))
        self._opened.callback(shutil.rmtree, locks)
        self._opened.callback(machine.off)
        self._opened.callback(self.database.close)

    def stop(self) -> None:
        """End, as a server does that is told to, or one whose machine has no power."""
        self._finish_reading()
        self._opened.close()

    def work(self, steps: int) -> None:
        """Do this and that until the power fails, or for so many steps."""
        while self._disk.is_on and steps > 0:
            steps -= 1
            self._now += 1
            do = self._chosen.choices(
                (self._act, self.sequence, self._sign, self._look, self._begin_to_read, self._finish_reading),
                (8, 4, 3, 2, 1, 1),
            )[0]
            try:
                do()
            except Unavailable as refusal:
                self.refused.add(refusal.code)

    def sequence(self) -> None:
        """Give what is queued its index."""
        self._jobs["sequencer"].run(self.database, self._now)

    def settle(self) -> None:
        """Bring everything into the log, and under a head where the server still signs."""
        self._now += 1
        self.sequence()
        self._sign()
        self._look()

    def hold(self) -> int:
        """Hold that what people were told is true, and that the log goes on; return how many entries it has."""
        with self.database.read() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        self.settle()
        kept = self.kept_head()
        assert kept is not None
        leaves = hold(self.database, self.settings.origin, self.said.acknowledged, [*self.said.shown, kept])
        assert kept.size == self.said.shown[-1].size == len(leaves)
        assert self.is_open()
        with self.database.read() as session:
            added = session.execute(text("SELECT subject FROM log_entry WHERE type = 'party.added'")).scalars().all()
            assert sorted(added) == sorted(session.scalars(select(Party.id)))
        return len(leaves)

    def kept_head(self) -> Checkpoint | None:
        """Return the head that is kept outside the database."""
        note = audit_log.HeadFile(self.settings.data_dir).read()
        return None if note is None else Checkpoint.parse(note.text)

    def is_open(self) -> bool:
        """Tell whether the server signs heads: not so where it has found that its database was set back."""
        with self.database.read() as session:
            return audit_log.is_open(session)

    def _act(self) -> None:
        count = self._chosen.choice(_BATCHES)

        def add(session: Session) -> list[str]:
            act = Act(session, "person_ada", self._now)
            name = "x" * self._chosen.randrange(1, 200)
            return [parties.add(act, name=name, country="FR", role="end_user").id for _ in range(count)]

        self.said.acknowledged += self.database.change(add)

    def _sign(self) -> None:
        self._jobs["log-checkpoints"].run(self.database, self._now)

    def _look(self) -> None:
        with self.database.read() as session:
            note = audit_log.checkpoint(session)
        if note is not None:
            self.said.shown.append(Checkpoint.parse(note.text))

    def _begin_to_read(self) -> None:
        # Who reads keeps the WAL from being emptied.
        self._finish_reading()
        with ExitStack() as opened:
            audit_log.is_open(opened.enter_context(self.database.read()))
            self._reading = opened.pop_all()

    def _finish_reading(self) -> None:
        self._reading.close()
