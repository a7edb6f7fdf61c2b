"""No archive that is not exactly what was written changes anything."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from licensing_protocol.canonical import decode_object, digest, encode, to_base64url
from licensing_server.backup import archive as archives
from licensing_server.backup import restore
from licensing_server.config import Settings
from licensing_server.problem import Conflict, Problem
from tests.server.backup.conftest import Written
from tests.server.backup.places import bring_back, contents

Members = dict[str, bytes]


def rewrite(archive: Path, change: Callable[[Members], None]) -> None:
    """Take an archive apart, change it, and put it together again."""
    with tarfile.open(archive) as tar:
        members = {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar.getmembers()}
    change(members)
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _other_row(members: Members) -> None:
    members["tables/person.jsonl"] = members["tables/person.jsonl"].replace(b"Ada Admin", b"Eve Admin")


def _other_row_and_digest(members: Members) -> None:
    _other_row(members)
    manifest = decode_object(members[archives.MANIFEST])
    manifest["files"]["tables/person.jsonl"] = to_base64url(digest(members["tables/person.jsonl"]))
    members[archives.MANIFEST] = encode(manifest)


def _without_table(members: Members) -> None:
    del members["tables/order.jsonl"]


def _with_stranger(members: Members) -> None:
    members["../escaped.pem"] = b"x"


def _without_manifest(members: Members) -> None:
    del members[archives.MANIFEST]


def _other_format(members: Members) -> None:
    members[archives.MANIFEST] = members[archives.MANIFEST].replace(b"interlock-backup/1", b"interlock-backup/9")


def _unreadable_manifest(members: Members) -> None:
    members[archives.MANIFEST] = b"{"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_other_row, "backup.damaged"),
        (_other_row_and_digest, "backup.damaged"),
        (_without_table, "backup.damaged"),
        (_with_stranger, "backup.damaged"),
        (_without_manifest, "backup.damaged"),
        (_unreadable_manifest, "backup.damaged"),
        (_other_format, "backup.format"),
    ],
)
def test_a_changed_archive_is_refused(
    written: Written, tmp_path: Path, change: Callable[[Members], None], code: str
) -> None:
    archive = Path(shutil.copy(written.archive, tmp_path))
    rewrite(archive, change)
    _refused(written, tmp_path, archive, code)


def test_a_damaged_file_is_refused(written: Written, tmp_path: Path) -> None:
    content = written.archive.read_bytes()
    plain = gzip.decompress(content)
    half = len(content) // 2
    for number, damaged in enumerate(
        (
            content[:half],
            content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
            gzip.compress(plain[: len(plain) // 2]),
            b"not an archive",
            b"",
        )
    ):
        archive = tmp_path / f"{number}.tar.gz"
        archive.write_bytes(damaged)
        _refused(written, tmp_path, archive, "backup.damaged")


def test_a_failure_while_writing_rows_leaves_an_empty_place(written: Written, empty_place: Settings) -> None:
    def interrupted(_: int) -> Callable[[int], None]:
        def step(_: int) -> None:
            raise KeyboardInterrupt

        return step

    with pytest.raises(KeyboardInterrupt):
        restore(empty_place, written.archive, written.passphrase, interrupted)
    assert contents(empty_place.url) == {}
    assert not (empty_place.data_dir / "keys").exists()
    bring_back(empty_place, written.archive, written.passphrase)


def test_a_backup_never_replaces_a_file_and_leaves_none_half_written(tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    archive.write_text("mine")
    with pytest.raises(Conflict) as refused, archives.new_archive(archive):
        raise AssertionError("must not begin")
    assert refused.value.code == "backup.exists"
    assert archive.read_text() == "mine"

    with pytest.raises(OSError, match="disk"), archives.new_archive(tmp_path / "other.tar.gz"):
        raise OSError("disk full")
    assert [path.name for path in tmp_path.glob("*.tar.gz*")] == ["backup.tar.gz"]


def _refused(written: Written, tmp_path: Path, archive: Path, code: str) -> None:
    place = Settings(data_dir=tmp_path / "restored")
    with pytest.raises(Problem) as refused:
        bring_back(place, archive, written.passphrase)
    assert refused.value.code == code, refused.value
    assert not (place.data_dir / "keys").exists()
    assert not (place.data_dir / "interlock.db").exists()
    assert not (tmp_path / "escaped.pem").exists()
