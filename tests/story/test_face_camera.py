"""The camera's own parts, without the agent: what they promise to whoever reads the example to learn from it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import examples.face_camera
from examples.face_camera import faces, gallery, rules
from examples.face_camera.__main__ import main
from examples.face_camera.camera import GATED
from examples.face_camera.gallery import HOLDER, Gallery
from examples.face_camera.receiver import Receiver
from examples.face_camera.sensor import Sensor
from licensing_protocol.canonical import decode_object

HERE = Path(examples.face_camera.__file__).parent


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    folder = tmp_path_factory.mktemp("camera") / "gallery"
    gallery.furnish(folder)
    return Gallery(folder)


def test_the_face_in_the_photograph_is_found_and_is_its_own(furnished: Gallery) -> None:
    threshold = rules.read(HERE / "rules.json").match
    # The detector's boxes differ a little from one processor to another: over many frames each has its worst.
    for seed in range(4):
        frame = Sensor(seed).look()
        (box,) = faces.detect(frame)
        best, second, *_ = furnished.ranked(faces.crop(frame, box))
        assert best.reference == HOLDER
        assert best.resemblance > threshold > second.resemblance


def test_a_blurred_face_is_found_no_more() -> None:
    frame = Sensor().look()
    assert faces.detect(faces.blur(frame, faces.detect(frame))) == []


def test_a_hand_over_the_lens_is_noticed_and_a_dark_scene_is_none() -> None:
    sensor = Sensor()
    assert not faces.is_covered(sensor.look() // 4)
    sensor.covered = True
    assert faces.is_covered(sensor.look())


def test_the_receiver_gives_each_new_fix_once_and_no_old_one(tmp_path: Path) -> None:
    track = tmp_path / "track.csv"
    track.write_text("1,1,5\n", "ascii")
    receiver = Receiver(track)
    assert receiver.read() is None
    _append(track, "2,2,5\n3,3,5\n")
    fix = receiver.read()
    assert fix is not None
    assert (fix.latitude, fix.longitude, fix.uncertainty_m) == (3, 3, 5)
    assert receiver.read() is None
    _append(track, "4,4")
    assert receiver.read() is None
    _append(track, ",5\n")
    fix = receiver.read()
    assert fix is not None
    assert fix.latitude == 4


def test_a_receiver_without_a_track_has_no_position_until_there_is_one(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "track.csv")
    assert receiver.read() is None
    _append(tmp_path / "track.csv", "48.5,7.75,8\n")
    assert receiver.read() is not None


def test_a_rule_for_what_the_camera_cannot_do_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text('{"match": 0.7, "rules": [{"name": "x", "faces": 1, "action": "fly"}]}', "ascii")
    with pytest.raises(ValueError, match="fly"):
        rules.read(path)


def test_rules_apply_from_their_number_of_faces_on() -> None:
    held = rules.Rules(0.7, (rules.Rule("one", 1, "verify"), rules.Rule("two", 2, "record")))
    assert [rule.name for rule in held.fitting(1)] == ["one"]
    assert [rule.name for rule in held.fitting(2)] == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "{folder}/nowhere"], "manifest.jws"),
        (["run", "{folder}/empty"], "vendor-key.json"),
        (["run", "{folder}/foreign"], "The camera cannot start"),
        (["install", "{folder}/new", "--manifest", "{folder}/none.jws", "--vendor-key", "{folder}/none.json"], "none"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(tmp_path: Path, words: list[str], named: str) -> None:
    for folder in ("empty", "foreign"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "manifest.jws").write_text("no.real.manifest\n")
    (tmp_path / "foreign" / "vendor-key.json").write_text("{}")
    with pytest.raises(SystemExit) as ended:
        main([word.format(folder=tmp_path) for word in words])
    assert named in str(ended.value)


def test_the_description_names_what_the_camera_can_do() -> None:
    product = decode_object((HERE / "product.json").read_bytes())
    assert sorted([*product["capabilities"], *product["safety"]]) == sorted(GATED)


def test_the_readme_shows_code_that_is_really_there() -> None:
    excerpts = _excerpts((HERE / "README.md").read_text("utf-8"))
    source = (HERE / "camera.py").read_text("utf-8")
    assert excerpts
    for excerpt in excerpts:
        assert excerpt in textwrap.dedent(source) or textwrap.indent(excerpt, "    ") in source


def _excerpts(markdown: str) -> list[str]:
    return [part.partition("\n")[2].rstrip() for part in markdown.split("```")[1::2] if part.startswith("python")]


def _append(track: Path, text: str) -> None:
    with track.open("a", encoding="ascii") as file:
        file.write(text)
