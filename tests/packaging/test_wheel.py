"""The wheel holds all that both sides need, and runs where there is no checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import httpx2
import pytest
from packaging.requirements import Requirement

from licensing_protocol import canonical
from tests.simulators.published_log import PublishedLog, entries

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("licensing_protocol", "device_agent", "licensing_server")


@dataclass(frozen=True)
class Installed:
    """A virtual environment with nothing of ours but the wheel."""

    wheel: Path
    folder: Path
    elsewhere: Path

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run an installed program outside the checkout."""
        command = [str(self.folder / "bin" / program), *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.elsewhere, env=self.environment, capture_output=True, text=True, timeout=60
        )

    @property
    def environment(self) -> dict[str, str]:
        """An environment that leads to no checkout and no setting."""
        return {
            name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "PYTHON", "COV"))
        }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what it is made of."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "made"]
    built = subprocess.run(build, cwd=source, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (source / "made").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel alone, without any package that it depends on."""
    return _install(wheel, tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with all that it depends on."""
    made = _install(wheel, tmp_path_factory.mktemp("installed"))
    # What a .pth file adds is looked at last, and its own .pth files, the checkout's among them, not at all.
    (_packages(made.folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with what its base install depends on, and no extra."""
    made = _install(wheel, tmp_path_factory.mktemp("base"))
    for name in _needed("interlock"):
        for top in {file.parts[0] for file in metadata.files(name) or () if file.parts[0] not in {"..", "__pycache__"}}:
            (_packages(made.folder) / top).symlink_to(str(metadata.distribution(name).locate_file(top)))
    return made


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted


def test_it_is_imported_from_the_wheel(installed: Installed) -> None:
    code = "import device_agent, licensing_server, licensing_protocol as p; print(p.__file__)"
    done = installed.run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.folder)


def test_the_server_runs(installed: Installed, tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data", "--json")
    made = installed.run("interlock", "init", "--administrator", "Ada Admin", *data)
    assert made.returncode == 0, made.stderr
    migrated = installed.run("interlock", "migrate", *data)
    assert (migrated.returncode, migrated.stdout) == (0, '{"applied": []}\n'), migrated.stderr
    serve = [str(installed.folder / "bin" / "interlock"), "serve", "--port", "0", *map(str, data)]
    with subprocess.Popen(
        serve, cwd=installed.elsewhere, env=installed.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        try:
            assert server.stdout is not None
            address = canonical.decode_object(server.stdout.readline())["server"]
            ready = httpx2.get(f"{address}/readyz", trust_env=False)
            assert (ready.status_code, ready.json()["migrated"]) == (200, True), ready.text
        finally:
            server.terminate()
        assert server.wait(timeout=20) == 0


def test_the_boundary_data_is_there(installed: Installed) -> None:
    code = "from licensing_server.catalogue import Regions; print(Regions.load().zone('FR').name)"
    done = installed.run("python", "-c", code)
    assert (done.returncode, done.stdout) == (0, "France\n"), done.stderr


@pytest.mark.parametrize("program", ["interlock", "interlock-agent"])
def test_both_commands_are_installed(installed: Installed, program: str) -> None:
    done = installed.run(program, "--help")
    assert done.returncode == 0, done.stderr


def test_an_audit_needs_no_extra(base: Installed, tmp_path: Path) -> None:
    log = PublishedLog(entries(300))
    folder = log.write(tmp_path / "log")
    done = base.run("interlock", "audit", "verify", folder, "--policy", folder / "policy", "--json")
    assert (done.returncode, canonical.decode_object(done.stdout.encode())["size"]) == (0, 300), done.stderr
    assert base.run("interlock", "alerts", "list").returncode == 4


def test_without_its_extra_the_command_says_so_in_one_sentence(bare: Installed) -> None:
    done = bare.run("interlock", "alerts", "list")
    assert done.returncode == 4
    assert done.stderr == (
        "This command needs the package 'typer': install the server with  pip install 'interlock[server]'\n"
    )


def _install(wheel: Path, folder: Path) -> Installed:
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder / "env")
    target = Installed(wheel, folder / "env", folder)
    pip = [sys.executable, "-m", "pip", "--python", str(target.folder / "bin" / "python"), "install", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run([*pip, *offline], capture_output=True, text=True, timeout=120, env=target.environment)
    assert done.returncode == 0, done.stderr
    return target


def _needed(name: str) -> set[str]:
    """Return the distributions that one needs without any of its extras, all the way down."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        for line in metadata.requires(wanted.pop()) or ():
            other = Requirement(line)
            if other.name not in found and (other.marker is None or other.marker.evaluate({"extra": ""})):
                found.add(other.name)
                wanted.append(other.name)
    return found


def _packages(environment: Path) -> Path:
    (found,) = (environment / "lib").glob("python*/site-packages")
    return found
