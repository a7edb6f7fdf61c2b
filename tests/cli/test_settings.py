"""Settings: from the environment or the file, each described, and none that is secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from licensing_server.config import Settings
from licensing_server.setup import load_settings

EXAMPLES = {
    "behind_tls": ("true", True),
    "data_dir": ("/srv/interlock", Path("/srv/interlock")),
    "key_passphrase": ("hunter2", "hunter2"),
    "pkcs11_module": ("/usr/lib/softhsm/libsofthsm2.so", Path("/usr/lib/softhsm/libsofthsm2.so")),
    "signing": ("pkcs11", "pkcs11"),
    "log_json": ("false", False),
    "renewal_share": ("0.25", 0.25),
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_is_described_and_read_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    number = field.default + 1 if isinstance(field.default, int) else None
    text, expected = EXAMPLES.get(name, (str(number), number) if number is not None else ("some text", "some text"))
    monkeypatch.setenv(f"INTERLOCK_{name.upper()}", text)
    value = getattr(Settings(), name)
    assert (value.get_secret_value() if isinstance(value, SecretStr) else value) == expected


def test_the_file_comes_after_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "interlock.env").write_text("INTERLOCK_ISSUER='of the file'\nINTERLOCK_WAITERS='7'\n")
    monkeypatch.setenv("INTERLOCK_ISSUER", "of the environment")
    monkeypatch.setenv("INTERLOCK_DATA_DIR", str(tmp_path))
    settings = load_settings()
    assert (settings.issuer, settings.waiters, settings.data_dir) == ("of the environment", 7, tmp_path)
    assert load_settings(issuer="of the command line").issuer == "of the command line"


def test_no_secret_is_shown() -> None:
    url = "postgresql+psycopg://interlock:hunter2@db/interlock"
    settings = Settings(key_passphrase="correct horse", database_url=url)
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "hunter2" not in shown
        assert "correct horse" not in shown
    assert settings.url == url
