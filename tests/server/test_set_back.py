"""A database that was set back is noticed by the head outside it: nothing is signed until people accept the loss."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from licensing_protocol.canonical import from_base64url
from licensing_protocol.keys import Signer, VerificationKey
from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_protocol.trust import Delegation
from licensing_server import clock
from licensing_server.closing import close_issuing
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.signing import Custody
from licensing_server.status_lists.sign import Signing
from licensing_server.web import Role
from tests.server.backup.places import Reopened, bring_back, make, passphrase
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.log_reader import fill, grow, heads, log_key, newest, refuse_gaps, refuse_inconsistent


def test_a_database_that_was_set_back_signs_nothing_until_its_loss_is_accepted(
    settings: Settings, tmp_path: Path
) -> None:
    exporter = Exporter.begin(settings)
    device = exporter.device()
    exporter.end()
    with older(settings, tmp_path) as set_back:
        with Reopened(exporter, settings) as lived_on:
            lived_on.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
            grow(lived_on, (3, 4))
            lost = newest(lived_on)[1]
        with Reopened(exporter, set_back) as again:
            known = heads(again)
            assert known[-1].size < lost.size
            fill(again.database, lost.size - known[-1].size + 5)
            again.settle()
            _refuse_signing(again)
            assert "which is the log from index" in again.get("/v1/restoration")["loss"]
            path = f"/v1/devices/{device.id}/entitlements"
            assert again.ask("POST", path, json=PLAN).json()["code"] == "restore.waiting"
            # However much is done meanwhile, and by however many processes.
            grow(again, (2, 2))
            _refuse_signing(again)
            _accept(again)
            _hold_new_log(again, known, lost)
            assert again.post(path, PLAN)["device"] == device.id
        # And so it stays after a restart.
        with Reopened(exporter, set_back) as later:
            grow(later, (1,))
            _hold_new_log(later, known, lost)


def test_a_backup_goes_on_under_a_name_of_its_own(sqlite_exporter: Exporter, tmp_path: Path) -> None:
    exporter = sqlite_exporter
    exporter.device()
    grow(exporter, (5,))
    archive = tmp_path / "backup.tar.gz"
    make(exporter, archive)
    known = heads(exporter)
    grow(exporter, (9,))
    place = Settings(data_dir=tmp_path / "restored", public_url=exporter.settings.public_url)
    bring_back(place, archive, passphrase(exporter))
    with Reopened(exporter, place) as again:
        again.settle()
        _refuse_signing(again)
        _accept(again)
        _hold_new_log(again, known, known[-1])


def test_a_file_that_cannot_be_read_is_no_reason_to_sign(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    before = newest(exporter)[1]
    (exporter.settings.data_dir / "log.head").write_text("torn")
    fill(exporter.database, 3)
    exporter.app.state.runner.run_once(0)
    assert exporter.app.state.runner.failures == {"log-checkpoints": "Unavailable"}
    assert newest(exporter)[1] == before
    assert exporter.ask("GET", "/readyz", None).json()["failing_jobs"] == ["log-checkpoints"]


def test_a_list_that_was_being_signed_when_issuing_closed_is_never_shown(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.device()
    now = clock.now() + 2 * exporter.settings.status_resign

    def close() -> None:
        with exporter.database.write() as session:
            close_issuing(session, exporter.settings, now, None, now)

    custody = Custody(_Interrupted(exporter.app.state.custody.signer(Delegation.STATUS), close), b"")
    custody.follow(exporter.app.state.custody.root)
    Signing(exporter.settings, custody.signatory(Delegation.STATUS)).run(exporter.database, now)
    with exporter.database.read() as session:
        assert session.execute(text("SELECT text FROM shard")).scalars().all() == ["", ""]


class _Interrupted:
    """A key, and the store that holds it, with which something else happens before it signs."""

    def __init__(self, signer: Signer, happens: Callable[[], None]) -> None:
        self._signer = signer
        self._happens = happens

    @property
    def key(self) -> VerificationKey:
        return self._signer.key

    def sign(self, message: bytes) -> bytes:
        self._happens()
        return self._signer.sign(message)

    def load(self) -> dict[Delegation, list[Signer]]:
        return {Delegation.STATUS: [self]}

    def make(self, delegation: Delegation) -> Signer:
        # Keys are made by a ceremony, and none is held here.
        raise NotImplementedError(delegation)


def _refuse_signing(exporter: Exporter) -> None:
    ready = exporter.get("/readyz", None)
    assert (ready["status"], ready["signs_checkpoints"]) == ("ready", False)
    refused = exporter.ask("GET", "/log/checkpoint", Role.AUDITOR)
    assert (refused.status_code, refused.json()["code"]) == (503, "log.no_checkpoint")


def _accept(exporter: Exporter) -> None:
    exporter.post("/v1/restoration/acceptance", None, Role.APPROVER)
    exporter.settle()
    _refuse_signing(exporter)
    exporter.post("/v1/restoration/acceptance", None, Role.ADMINISTRATOR)
    exporter.settle()


def _hold_new_log(exporter: Exporter, known: list[Checkpoint], lost: Checkpoint) -> None:
    """Hold that the tree goes on under a new name, which its first entry explains, and that the old heads are there."""
    note, head = newest(exporter)
    assert head.origin.startswith(f"{lost.origin}/")
    verify(note, [log_key(exporter, head.origin)])
    begun = exporter.get("/v1/log/entries?type=log.begun", Role.AUDITOR)["items"]
    assert [entry["data"]["origin"] for entry in begun] == [lost.origin, head.origin]
    assert begun[-1]["data"]["previous"] == {
        "origin": lost.origin,
        "size": lost.size,
        "root": to_base64(lost.root),
    }
    assert begun[-1]["data"]["lost_from"] == begun[-1]["index"] >= known[-1].size
    shown = heads(exporter)
    assert shown[: len(known)] == known
    assert {found.origin for found in shown[len(known) :]} == {head.origin}
    # The tree itself only grew from what was left of it.
    refuse_inconsistent(exporter, known[-1], head)
    proof = exporter.ask("GET", f"/v1/log/entries/{begun[-1]['index']}/proof", Role.AUDITOR).content
    key = log_key(exporter, head.origin)
    TlogProof.parse(proof).verify(from_base64url(begun[-1]["body"]), lambda note: verify(note, [key]))
    refuse_gaps(exporter.database)
    kept = Note.parse((exporter.settings.data_dir / "log.head").read_bytes())
    assert Checkpoint.parse(kept.text) == head


@contextmanager
def older(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Give the same server with a copy of its database as it is now."""
    url = make_url(settings.url)
    if url.drivername == "sqlite":
        copy = folder / "older.db"
        Database(settings.url).close()
        shutil.copy(str(url.database), copy)
        yield settings.model_copy(update={"database_url": f"sqlite:///{copy}"})
        return
    name = f"{url.database}_older"
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {url.database}"))
    try:
        yield settings.model_copy(update={"database_url": url.set(database=name).render_as_string(hide_password=False)})
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
