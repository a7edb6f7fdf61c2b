"""The server as a process: it announces itself, refuses what is unsafe, and ends in a few seconds."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx2

from licensing_protocol import canonical
from licensing_server import clock
from licensing_server.signing import FileKeys
from tests.cli.command_line import Serving, Staff, here
from tests.cli.exporter import Company


def test_it_refuses_an_open_address_without_tls(data_dir: Path) -> None:
    answer = here("serve", "--data-dir", data_dir, "--host", "0.0.0.0", "--port", "0", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "serve.insecure")
    assert "INTERLOCK_BEHIND_TLS" in answer.failure["advice"]


def test_it_refuses_a_database_that_is_not_migrated(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_dir / "keys", folder / "keys")
    shutil.copy(data_dir / "passphrase", folder)
    answer = here("serve", "--data-dir", folder, "--port", "0", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "database.unmigrated")
    assert here("migrate", "--data-dir", folder, "--json").json["applied"] != []


def test_a_database_of_a_newer_server_is_refused_with_a_sentence(fresh: Path) -> None:
    with closing(sqlite3.connect(fresh / "interlock.db", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'from the future'")
    for command in ("serve", "migrate"):
        answer = here(command, "--data-dir", fresh, "--json")
        assert (answer.code, answer.failure["code"]) == (1, "database.newer")


def test_it_refuses_an_address_that_is_taken(fresh: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = here("serve", "--data-dir", fresh, "--port", taken.getsockname()[1], "--json")
    assert (answer.code, answer.failure["code"]) == (1, "serve.address")


def test_it_refuses_a_folder_without_keys(tmp_path: Path) -> None:
    answer = here("work", "--data-dir", tmp_path / "nothing", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "signing.absent")


def test_it_ends_at_once_though_somebody_waits_for_a_status_list(fresh: Path) -> None:
    with Serving(fresh) as server:
        company = Company.found(Staff(server.address, fresh / "admin.token"), fresh.parent)
        company.device()
        url = f"{server.address}/v1/status/1"
        while (posted := httpx2.get(url, trust_env=False)).status_code != 200:
            pass
        headers = {"If-None-Match": posted.headers["etag"], "Prefer": "wait=60"}
        answers: list[int] = []

        def wait() -> None:
            answers.append(httpx2.get(url, headers=headers, timeout=70, trust_env=False).status_code)

        waiter = threading.Thread(target=wait)
        waiter.start()
        while _figure(server.address, "interlock_status_waiters") == 0:
            pass
        began = clock.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        waiter.join(5)
        assert clock.monotonic() - began < 8
        assert answers in ([304], [200])


def test_background_work_can_run_alone(fresh: Path) -> None:
    with Serving(fresh, ("--no-jobs",)) as server:
        staff = Staff(server.address, fresh / "admin.token")
        assert staff.ask("log", "list")["items"] == []
        with Serving(fresh, program="work") as work:
            for _ in range(200):
                if staff.ask("log", "list")["items"]:
                    break
            else:
                raise AssertionError(work.log.read_text())
            assert work.stop(signal.SIGINT) == 0
        assert server.stop(signal.SIGINT) == 0


def test_the_log_has_request_ids_but_no_tokens_and_no_names(serving: Serving, ada: Staff, company: Company) -> None:
    secret = company.token()["token"]
    company.device()
    ada.ask("people", "add", "Secretive Sam", "--role", "auditor")
    ada.run("devices", "show", "nobody")
    lines = serving.log.read_text().splitlines()
    requests = [entry for entry in map(_entry, lines) if entry["event"] == "request"]
    assert all(entry["request_id"] and entry["route"] and "timestamp" in entry for entry in requests)
    assert "/v1/devices/{device}" in {entry["route"] for entry in requests}
    text = "\n".join(lines)
    held = (ada.token_file.read_text().strip(), secret, "Secretive Sam", "Ministry of Parks", "Ada Admin", "nobody")
    assert [word for word in held if word in text] == []


def test_the_keys_open_with_the_passphrase_of_the_environment(fresh: Path) -> None:
    secret = (fresh / "passphrase").read_text().strip()
    (fresh / "passphrase").unlink()
    assert here("serve", "--data-dir", fresh, "--port", "0").code == 1
    with Serving(fresh, members={"INTERLOCK_KEY_PASSPHRASE": secret}) as server:
        assert httpx2.get(f"{server.address}/readyz", trust_env=False).json()["signs"] is True
    assert secret not in server.log.read_text()
    assert FileKeys(fresh, secret).load()


def _entry(line: str) -> dict[str, object]:
    return canonical.decode_object(line.encode())


def _figure(address: str, name: str) -> float:
    lines = httpx2.get(f"{address}/metrics", trust_env=False).text.splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))
