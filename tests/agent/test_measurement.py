"""Measurements of real files, trees and settings, also while they change, hide or mislead."""

from __future__ import annotations

import os
import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.measurement import (
    MISSING,
    OVERSIZED,
    SPECIAL,
    UNREADABLE,
    FileReader,
    Measured,
    changes,
    measure,
)
from device_agent.measurement.files import MAX_FILE_BYTES
from licensing_protocol.canonical import digest, encode
from licensing_protocol.journal import Event
from licensing_protocol.manifest import Component, ComponentKind
from licensing_protocol.measurement import TreeLeaf, tree_digest

RULES = Component("rules", ComponentKind.FILE, "rules.json")
MODELS = Component("models", ComponentKind.TREE, "models")
THRESHOLD = Component("threshold", ComponentKind.SETTING)


def one(component: Component, folder: Path | None, settings: Any = None, reader: FileReader | None = None) -> Measured:
    (measured,) = measure((component,), folder, settings, reader or FileReader())
    return measured


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    (folder / "deep" / "b.bin").write_bytes(b"b")
    (folder / "a.bin").chmod(0o640)
    (folder / "deep" / "b.bin").chmod(0o640)
    return folder


def test_a_file_is_measured_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_bytes(b"[]")
    assert one(RULES, tmp_path) == Measured("rules", sha256(b"[]").digest())


def test_a_file_is_what_the_product_would_read_there(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"[]")
    (tmp_path / "rules.json").symlink_to("real")
    assert one(RULES, tmp_path).digest == sha256(b"[]").digest()


def test_a_tree_is_the_root_over_its_leaves(models: Path) -> None:
    (models / "latest").symlink_to("deep//b.bin")
    leaves = [
        TreeLeaf(b"a.bin", "f", 0o640, digest(b"a")),
        TreeLeaf(b"deep/b.bin", "f", 0o640, digest(b"b")),
        TreeLeaf(b"latest", "l", 0o777, digest(b"deep//b.bin")),
    ]
    assert one(MODELS, models.parent).digest == tree_digest(leaves)


def test_links_inside_a_tree_are_not_followed(models: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (models / "link").symlink_to(outside)
    before = one(MODELS, tmp_path)
    (outside / "new").write_bytes(b"x")
    assert one(MODELS, tmp_path) == before


def test_names_are_bytes_and_need_not_be_text(models: Path) -> None:
    (models / os.fsdecode(b"\xff /%.bin".replace(b"/", b"~"))).write_bytes(b"odd")
    assert "%FF%20~%25.bin" in one(MODELS, models.parent).leaves


@pytest.mark.parametrize("change", ["content", "mode", "name", "gone", "link"])
def test_whatever_changes_in_a_tree_shows_with_its_path(models: Path, change: str) -> None:
    before = one(MODELS, models.parent)
    file = models / "deep" / "b.bin"
    match change:
        case "content":
            file.write_bytes(b"c")
        case "mode":
            file.chmod(0o755)
        case "name":
            file.rename(models / "c.bin")
        case "gone":
            file.unlink()
        case "link":
            file.unlink()
            file.symlink_to("../a.bin")
    (found,) = changes([before], [one(MODELS, models.parent)])
    assert found.component == "models"
    assert found.changed == (("c.bin", "deep/b.bin") if change == "name" else ("deep/b.bin",))
    assert found.total == len(found.changed)


def test_settings_are_measured_by_their_canonical_form() -> None:
    assert one(THRESHOLD, None, lambda: {"threshold": 0.5}).digest == digest(encode(0.5))
    assert one(THRESHOLD, None, lambda: {"threshold": {"b": 1, "a": 2}}) == one(
        THRESHOLD, None, lambda: {"threshold": {"a": 2, "b": 1}}
    )


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        (lambda: {}, MISSING),
        (lambda: 1 / 0, UNREADABLE),
        (lambda: None, UNREADABLE),
        (lambda: {"threshold": object()}, UNREADABLE),
        (lambda: {"threshold": float("nan")}, UNREADABLE),
        (lambda: {"threshold": 2**60}, UNREADABLE),
    ],
)
def test_settings_that_are_not_there_are_a_state_of_their_own(settings: Any, state: bytes) -> None:
    assert one(THRESHOLD, None, settings).digest == state


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    assert one(RULES, tmp_path).digest == MISSING
    assert one(MODELS, tmp_path).digest == MISSING


def test_what_a_process_has_no_means_to_see_is_left_to_the_one_that_sees_it(tmp_path: Path) -> None:
    components = (RULES, MODELS, THRESHOLD)
    assert measure(components, None, None, FileReader()) == ()
    assert [found.name for found in measure(components, tmp_path, None, FileReader())] == ["rules", "models"]
    assert [found.name for found in measure(components, None, lambda: {}, FileReader())] == ["threshold"]


def test_what_cannot_be_read_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "rules.json").symlink_to("rules.json")
    (tmp_path / "models").write_bytes(b"no folder")
    assert one(RULES, tmp_path).digest == UNREADABLE
    assert one(MODELS, tmp_path).digest == UNREADABLE


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device"])
def test_special_files_are_seen_and_not_opened(tmp_path: Path, kind: str) -> None:
    path, bound = tmp_path / "rules.json", socket.socket(socket.AF_UNIX)
    with bound:
        match kind:
            case "fifo":
                os.mkfifo(path)
            case "socket":
                bound.bind(str(path))
            case "folder":
                path.mkdir()
            case "device":
                path.symlink_to("/dev/zero")
        assert one(RULES, tmp_path).digest == SPECIAL


@pytest.mark.timeout(10)
def test_a_pipe_among_the_files_of_a_tree_is_a_change_and_no_trap(models: Path) -> None:
    before = one(MODELS, models.parent)
    os.mkfifo(models / "pipe")
    (found,) = changes([before], [one(MODELS, models.parent)])
    assert found.changed == ("pipe",)


def test_a_file_too_large_to_measure_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "rules.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert one(RULES, tmp_path).digest == OVERSIZED


def test_a_very_deep_tree_is_measured_as_far_as_paths_reach(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert len(one(MODELS, tmp_path).leaves) == 1


def test_an_untouched_file_is_read_twice_and_then_remembered(tmp_path: Path) -> None:
    file, reader = tmp_path / "rules.json", FileReader()
    file.write_bytes(b"[1]")
    for _ in range(3):
        assert reader.file(file) == sha256(b"[1]").digest()
    file.write_bytes(b"[2]")
    assert reader.file(file) == sha256(b"[2]").digest()
    reader.forget()
    assert reader.file(file) == sha256(b"[2]").digest()


def test_what_is_measured_for_the_first_time_has_not_changed() -> None:
    assert changes([], [Measured("rules", b"a" * 32)]) == ()
    assert changes([Measured("rules", b"a" * 32)], []) == ()


paths = st.lists(st.text(st.sampled_from("abc/%EF"), min_size=1, max_size=300), max_size=80, unique=True)


@given(paths, st.text(min_size=1, max_size=200, alphabet=st.characters(codec="utf-8")))
def test_every_change_fits_into_an_event(names: list[str], component: str) -> None:
    before = Measured(component, b"a" * 32)
    after = Measured(component, b"b" * 32, dict.fromkeys(names, "digest"))
    (found,) = changes([before], [after])
    assert found.total == len(names)
    assert set(found.changed) <= set(names)
    Event(1, "configuration.changed", 1, None, "boot", found.to_data()).to_bytes()


@given(paths)
def test_equal_measurements_never_differ(names: list[str]) -> None:
    measured = Measured("models", b"a" * 32, dict.fromkeys(names, "digest"))
    assert changes([measured], [measured]) == ()
