"""The first start: done once, can be tried again where it failed, and never on another server's database."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing_server.config import Settings
from licensing_server.problem import Unprocessable
from licensing_server.setup import load_settings, write_settings
from tests.cli.command_line import here


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_init_changes_nothing(fresh: Path) -> None:
    before = _files(fresh)
    answer = here("init", "--data-dir", fresh, "--administrator", "Eve", "--issuer", "Another", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "init.done")
    assert _files(fresh) == before


def test_secrets_are_for_their_owner_alone(fresh: Path) -> None:
    assert fresh.stat().st_mode & 0o777 == 0o700
    private = [fresh / "admin.token", fresh / "passphrase", fresh / "interlock.env", *(fresh / "keys").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_an_init_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    arguments = ("init", "--data-dir", folder, "--administrator", "Ada", "--json")
    failed = here(*arguments, INTERLOCK_DATABASE_URL=nowhere)
    assert failed.code == 3, failed
    assert not (folder / "keys").exists()
    assert here(*arguments).code == 0


def test_the_database_of_another_server_is_refused(fresh: Path, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    url = f"sqlite:///{fresh / 'interlock.db'}"
    answer = here("init", "--data-dir", folder, "--administrator", "Eve", "--json", INTERLOCK_DATABASE_URL=url)
    assert (answer.code, answer.failure["code"]) == (1, "init.database_used")
    assert not (folder / "keys").exists()
    assert not (folder / "passphrase").exists()


def test_what_is_given_is_kept_beside_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "interlock.env").write_text("INTERLOCK_ISSUER=Old\nINTERLOCK_APPEAL=Office\n")
    made = here("init", "--data-dir", folder, "--administrator", "Ada", "--issuer", "O'Neil & Co. \\ #1", "--json")
    assert made.code == 0, made.err
    settings = load_settings(folder)
    assert (settings.issuer, settings.appeal) == ("O'Neil & Co. \\ #1", "Office")


def test_a_value_that_no_setting_can_have_is_usage(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    answer = here("init", "--data-dir", folder, "--administrator", "Ada", "--json", INTERLOCK_BODY_LIMIT="secret-7")
    assert (answer.code, answer.failure["code"]) == (2, "settings.malformed")
    assert "INTERLOCK_BODY_LIMIT" in answer.failure["detail"]
    assert "secret-7" not in answer.err


@given(st.text(min_size=1, max_size=100))
def test_what_is_written_to_the_file_reads_back_or_is_refused(value: str) -> None:
    unwritable = "${" in value or not value.isprintable()
    refused = pytest.raises(Unprocessable, match="cannot keep") if unwritable else nullcontext()
    with TemporaryDirectory() as folder:
        with refused:
            write_settings(Path(folder), {"issuer": value})
        if not unwritable:
            assert Settings(_env_file=Path(folder) / "interlock.env").issuer == value
