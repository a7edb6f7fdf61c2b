"""Settings: from the environment or the file, each described, and none that is secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from licensing_server.config import Settings
from licensing_server.setup import load_settings
from tests.cli.command_line import here

EXAMPLES = {
    "behind_tls": ("true", True),
    "data_dir": ("/srv/interlock", Path("/srv/interlock")),
    "key_passphrase": ("hunter2", "hunter2"),
    "pkcs11_module": ("/usr/lib/softhsm/libsofthsm2.so", Path("/usr/lib/softhsm/libsofthsm2.so")),
    "signing": ("pkcs11", "pkcs11"),
    "log_origin": ("exporter.example/log", "exporter.example/log"),
    "log_policy": ("/srv/policy", Path("/srv/policy")),
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


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("INTERLOCK_ISUER='Example Optics'", "did you mean INTERLOCK_ISSUER?"),
        ("INTERLOCK_REPEATED_DENIAL=3", "did you mean INTERLOCK_REPEATED_DENIALS?"),
        ("issuer='Example Optics'", "did you mean INTERLOCK_ISSUER?"),
        ("INTERLOCK_ZZZZZZZZZ=3", "the documentation lists all settings"),
    ],
)
def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "interlock.env").write_text(f"{line}\n")
    answer = here("serve", "--data-dir", tmp_path, "--json")
    assert (answer.code, answer.failure["code"]) == (2, "settings.unknown")
    assert told in answer.failure["detail"]


def test_what_is_not_the_servers_may_stand_in_the_file(tmp_path: Path) -> None:
    lines = ["PGPASSFILE=/root/.pgpass", "INTERLOCK_SERVER=https://exporter.example", "interlock_waiters=7"]
    (tmp_path / "interlock.env").write_text("\n".join(lines))
    assert load_settings(tmp_path).waiters == 7


@pytest.mark.parametrize("url", ["mysql://root@db/interlock", "postgresql://db/interlock", "rubbish"])
def test_another_database_is_told_in_words(tmp_path: Path, url: str) -> None:
    answer = here("init", "--data-dir", tmp_path, "--administrator", "Ada", "--database-url", url, "--json")
    assert (answer.code, answer.failure["code"]) == (2, "settings.database_url")
    assert "postgresql+psycopg://" in answer.failure["detail"]


def test_a_value_that_a_setting_cannot_have_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "interlock.env").write_text("INTERLOCK_WAITERS=many\n")
    answer = here("serve", "--data-dir", tmp_path, "--json")
    assert (answer.code, answer.failure["code"]) == (2, "settings.malformed")
    assert answer.failure["detail"] == "INTERLOCK_WAITERS must be a whole number."


def test_no_secret_is_shown() -> None:
    url = "postgresql+psycopg://interlock:hunter2@db/interlock"
    settings = Settings(key_passphrase="correct horse", database_url=url)
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "hunter2" not in shown
        assert "correct horse" not in shown
    assert settings.url == url
