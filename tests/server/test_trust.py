"""The root of trust on the server: what is published, what is signed anew, and what several processes make of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from licensing_protocol import token
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation, PinnedRoot
from licensing_server import clock, trust
from licensing_server.app import all_jobs
from licensing_server.jobs import Runner
from licensing_server.problem import Problem
from licensing_server.setup import open_server
from licensing_server.signing import Custody
from tests.server.exporter import Exporter
from tests.server.holders import Holders

LIST = "/v1/status/1"


@pytest.fixture
def holders(exporter: Exporter) -> Holders:
    """Those who hold the root keys."""
    return Holders(exporter)


def listed_by(exporter: Exporter) -> str:
    """Return the key that signed the newest list."""
    return token.claimed_key(exporter.ask("GET", LIST, None).text, TokenType.STATUS_LIST)


def test_everybody_reads_each_root_and_the_newest_targets(exporter: Exporter, holders: Holders) -> None:
    holders.publish("renew", "--root")
    versions = [exporter.get(f"/v1/trust/{version}.root.json", None)["signed"]["version"] for version in (1, 2)]
    assert versions == [1, 2]
    assert exporter.get("/v1/trust/targets.json", None)["signed"]["version"] == 2
    assert exporter.ask("GET", "/v1/trust/3.root.json", None).json()["code"] == "root.unknown"
    trusted = exporter.trusted()
    assert (trusted.version, trusted.targets) == (2, 2)


def test_what_lives_is_signed_anew_by_new_keys(exporter: Exporter, holders: Holders) -> None:
    device = exporter.device()
    old = exporter.trusted()
    told = holders.publish("rotate")["signs"]
    assert listed_by(exporter) == told["status"]
    answer = exporter.check_in(device)
    assert token.claimed_key(answer["entitlement"], TokenType.ENTITLEMENT) == told["entitlement"]
    assert token.claimed_key(answer["receipt"], TokenType.RECEIPT) == told["receipt"]
    assert "entitlement" not in exporter.check_in(device)
    # What the old keys signed is good until they are removed.
    for name in Delegation:
        assert {key.thumbprint for key in old.keys(name)} < {key.thumbprint for key in exporter.trusted().keys(name)}


def test_a_server_whose_root_of_trust_has_ended_is_not_fit_to_serve(sqlite_exporter: Exporter) -> None:
    exporter, holders = sqlite_exporter, Holders(sqlite_exporter)
    assert exporter.get("/readyz", None)["trust_expires_at"] == exporter.trusted().expires
    holders.publish("renew", "--days", "1000")
    assert exporter.get("/readyz", None)["trust_expires_at"] == exporter.trusted().expires
    exporter.app.state.newest = trust.Newest(exporter.app.state.custody)
    assert exporter.ask("GET", "/readyz", None).status_code == 503


def test_a_release_may_pin_any_published_root(sqlite_exporter: Exporter) -> None:
    exporter, holders = sqlite_exporter, Holders(sqlite_exporter)
    holders.publish("renew", "--root")
    second = trust_root(exporter, 2)
    assert exporter.release("2.0", root=second)["release"] == "2.0"
    assert exporter.release("2.1")["release"] == "2.1"


def test_a_process_that_lacks_a_new_key_leaves_alone_what_was_signed_with_it(
    sqlite_exporter: Exporter, tmp_path: Path
) -> None:
    exporter, holders = sqlite_exporter, Holders(sqlite_exporter)
    with replica(exporter, tmp_path / "replica") as (custody, runner):
        told = holders.publish("rotate")["signs"]
        with exporter.database.read() as session:
            trust.Newest(custody).refresh(session)
        assert custody.signer(Delegation.STATUS).key.thumbprint != told["status"]
        newest = exporter.ask("GET", LIST, None).text
        for later in range(1, 4):
            runner.run_once(clock.now() + exporter.ahead + later)
            exporter.settle()
        assert exporter.ask("GET", LIST, None).text == newest
        holders.publish("rotate", "--finish")
        with exporter.database.read() as session:
            trust.Newest(custody).refresh(session)
        with pytest.raises(Problem) as refused:
            custody.signer(Delegation.STATUS)
        assert refused.value.code == "signing.not_delegated"


def test_keys_that_another_machine_made_are_found_once_named(sqlite_exporter: Exporter, tmp_path: Path) -> None:
    exporter, holders = sqlite_exporter, Holders(sqlite_exporter)
    with replica(exporter, tmp_path / "replica") as (custody, _):
        told = holders.publish("rotate")["signs"]
        shutil.copytree(exporter.settings.data_dir / "keys", tmp_path / "replica" / "keys", dirs_exist_ok=True)
        with exporter.database.read() as session:
            trust.Newest(custody).refresh(session)
        assert {str(name): custody.signer(name).key.thumbprint for name in Delegation} == told


def trust_root(exporter: Exporter, version: int) -> PinnedRoot:
    """Return a published root as a manifest pins it."""
    return PinnedRoot.parse(exporter.get(f"/v1/trust/{version}.root.json", None))


@contextmanager
def replica(exporter: Exporter, folder: Path) -> Iterator[tuple[Custody, Runner]]:
    """A second process's keys and jobs on the same database, its key files copied as they are now."""
    shutil.copytree(exporter.settings.data_dir, folder, ignore=shutil.ignore_patterns("*.db*"))
    settings = exporter.settings.model_copy(update={"data_dir": folder, "database_url": exporter.settings.url})
    database, custody = open_server(settings)
    with database.read() as session:
        trust.Newest(custody).refresh(session)
    yield custody, Runner(database, all_jobs(settings, custody))
    database.close()
