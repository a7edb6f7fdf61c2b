"""Signing keys in a PKCS#11 token: SoftHSM stands for what a real exporter would buy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensing_protocol import token
from licensing_protocol.keys import KeySet
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation
from licensing_server.config import Settings
from licensing_server.problem import Problem
from licensing_server.signing import key_store
from tests.server.exporter import CAPABILITY, Exporter

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MODULE = next((path for path in map(Path, MODULES) if path.exists()), None)
PIN = "1234"
TESTS = 10
pytestmark = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None,
    reason="left untested: keys in a PKCS#11 token; it needs SoftHSM: apt-get install softhsm2",
)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Labels of fresh tokens. They are all made beforehand: the library looks for them once in a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    labels = [f"token-{number}" for number in range(TESTS)]
    for label in labels:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"]
        subprocess.run(command, check=True, capture_output=True)
    return iter(labels)


@pytest.fixture
def settings(tokens: Iterator[str], tmp_path: Path) -> Settings:
    """Settings that keep the keys in a fresh token."""
    return Settings(
        data_dir=tmp_path / "data",
        public_url="https://exporter.example",
        signing="pkcs11",
        pkcs11_module=MODULE,
        pkcs11_token=next(tokens),
        pkcs11_pin=PIN,
    )


def test_an_exporter_whose_keys_lie_in_a_token_issues_and_revokes(settings: Settings) -> None:
    exporter = Exporter.begin(settings)
    try:
        assert not list((settings.data_dir / "keys").glob("entitlement*"))
        device = exporter.device()
        trusted = exporter.trusted()
        kinds = {name: {key.algorithm for key in trusted.keys(name)} for name in Delegation}
        assert kinds == {name: {"ES256"} for name in Delegation} | {Delegation.LOG: {"EdDSA"}}
        (issued,) = exporter.get(f"/v1/devices/{device.id}/entitlements")["items"]
        assert token.verify(issued["text"], TokenType.ENTITLEMENT, trusted.keys(Delegation.ENTITLEMENT))
        exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
        assert "receipt" in exporter.check_in(device)
        assert exporter.get("/readyz", None)["signs"] is True
    finally:
        exporter.end()


def test_a_key_made_later_is_found_beside_the_first_by_every_process(settings: Settings) -> None:
    first, second = key_store(settings), key_store(settings)
    made = [first.make(Delegation.STATUS) for _ in range(11)]
    for store in (first, second):
        found = store.load()[Delegation.STATUS]
        assert [signer.key for signer in found] == [signer.key for signer in made]
    text = token.sign({"iat": 1}, TokenType.STATUS_LIST, second.load()[Delegation.STATUS][-1])
    assert token.verify(text, TokenType.STATUS_LIST, KeySet(made[-1].key)).claims == {"iat": 1}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pkcs11_pin": None}, "signing.settings"),
        ({"pkcs11_module": None}, "signing.settings"),
        ({"pkcs11_module": Path("/nowhere/library.so")}, "signing.token"),
        ({"pkcs11_token": "no such token"}, "signing.token"),
        ({"pkcs11_pin": "0000"}, "signing.token"),
    ],
)
def test_a_token_that_does_not_open_is_refused_with_a_sentence(
    settings: Settings, changes: dict[str, object], code: str
) -> None:
    values = settings.model_dump() | changes
    with pytest.raises(Problem) as refused:
        key_store(Settings(**values))
    assert refused.value.code == code
