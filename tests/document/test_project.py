"""Project files: round trips, hostile files, and what is told about them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.document.decoding import decode
from studio.document.encoding import VERSION, Encoder
from studio.document.jsontext import dump, parse
from studio.document.model import SoundEdit
from studio.document.performance import Performance
from studio.document.project import Media, Project, load_project, save_project
from studio.errors import StudioError
from tests.document.strategies import projects, random_project

FIXTURES = Path(__file__).parent / "fixtures"


def text_of(project: Project, folder: Path = Path("/data")) -> str:
    return dump(Encoder(folder).encode(project))


@settings(max_examples=200)
@given(projects)
def test_a_saved_project_is_loaded_as_it_was(project: Project) -> None:
    data = text_of(project).encode()
    loaded = decode(parse(data, "x.emozone"), "x.emozone", Path("/data"))
    assert loaded == project
    assert text_of(loaded).encode() == data


@given(projects)
def test_a_journal_keeps_absolute_paths(project: Project) -> None:
    assert decode(Encoder(None).encode(project), "x.journal", None) == project


def test_files_round_trip(tmp_path: Path) -> None:
    project = random_project(Random(4)).replace(audio=Media(str(tmp_path / "sound" / "a.wav"), "ab" * 32))
    path = tmp_path / "deep er" / "talk.emozone"
    path.parent.mkdir()
    save_project(project, path)
    assert load_project(path) == project
    assert json.loads(path.read_text())["audio"]["path"] == "../sound/a.wav"


def test_a_moved_folder_keeps_its_media(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    save_project(Project(audio=Media(str(old / "media" / "a.wav"))), old / "talk.emozone")
    old.rename(new)
    audio = load_project(new / "talk.emozone").audio
    assert audio is not None
    assert audio.path == str(new / "media" / "a.wav")


def test_a_project_seen_through_a_linked_folder_is_the_same(tmp_path: Path) -> None:
    real, link = tmp_path / "a" / "b" / "real", tmp_path / "link"
    real.mkdir(parents=True)
    link.symlink_to(real)
    (real / "a.wav").write_bytes(b"x")
    save_project(Project(audio=Media.file(link / "a.wav")), link / "talk.emozone")
    assert json.loads((real / "talk.emozone").read_text())["audio"]["path"] == "a.wav"
    assert load_project(link / "talk.emozone") == load_project(real / "talk.emozone")


def test_unknown_keys_survive_at_every_place() -> None:
    tree = json.loads(text_of(random_project(Random(1))))
    tree["performance"]["lanes"] = [{"target": "AU4", "keys": [[0.0, 1.0]]}]
    tree["performance"]["expressions"]["clips"] = [{"preset": "happy", "start_s": 0, "end_s": 1}]
    tree["performance"]["base"]["take"] = {"name": "t", "fps": 25, "au": [[0] * 17]}
    tree["performance"]["base"]["blinks"] = {}
    tree["performance"]["presets"] = [{"name": "wry", "au": {"AU4": 1}}]
    tree["markers"] = [{"time_s": 1}]
    tree["bookmarks"] = [{"name": "front"}]
    tree["avatar"], tree["audio"] = {"name": "ada"}, {"path": "a.wav"}
    performance = tree["performance"]
    places = [
        tree,
        tree["avatar"],
        tree["audio"],
        tree["export"],
        tree["markers"][0],
        tree["bookmarks"][0],
        performance,
        performance["base"],
        performance["base"]["take"],
        performance["base"]["blinks"],
        performance["expressions"],
        performance["expressions"]["clips"][0],
        performance["presets"][0],
        performance["lanes"][0],
    ]
    for i, place in enumerate(places):
        place["from_the_future"] = {"place": i, "list": [1, [2.5, None]]}
    again = json.loads(text_of(decode(tree, "x", Path("/data"))))
    found = json.dumps(again).count('"from_the_future"')
    assert found == len(places)
    for i in range(len(places)):
        assert f'{{"place": {i}, "list": [1, [2.5, null]]}}' in json.dumps(again)


def test_a_minimal_file_has_defaults_for_everything() -> None:
    loaded = decode({"format": "emozone-project", "version": 1}, "x", Path("/data"))
    assert loaded == Project()


def test_a_newer_format_opens_read_only_and_is_not_saved_over(tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    tree = json.loads(text_of(Project(performance=Performance.held({"AU12": 3.0}))))
    path.write_text(json.dumps({**tree, "version": VERSION + 1, "new": 1}))
    before = path.read_bytes()
    project = load_project(path)
    assert project.performance.lane("AU12") is not None
    assert project.read_only is not None
    assert "newer studio" in project.read_only
    with pytest.raises(StudioError, match="save it under another name"):
        save_project(project, path)
    assert path.read_bytes() == before
    save_project(project.editable(), tmp_path / "copy.emozone")
    assert load_project(tmp_path / "copy.emozone").read_only is None


def test_a_newer_format_that_cannot_be_understood_says_so() -> None:
    tree = {"format": "emozone-project", "version": VERSION + 3, "performance": "elsewhere"}
    with pytest.raises(StudioError, match=r"newer studio .* update the studio"):
        decode(tree, "x.emozone", Path("/data"))


def damaged(data: bytes) -> None:
    """Loads bytes; either a project or one sentence, nothing else."""
    try:
        project = decode(parse(data, "x.emozone"), "x.emozone", Path("/data"))
    except StudioError as error:
        sentence = str(error)
        assert sentence.startswith("x.emozone ")
        assert "\n" not in sentence
        assert len(sentence) < 400
    else:
        text_of(project)


def test_truncation_at_every_64th_byte_is_told() -> None:
    data = text_of(random_project(Random(7))).encode()
    for length in range(0, len(data) - 2, 64):
        with pytest.raises(StudioError, match=r"^x\.emozone "):
            decode(parse(data[:length], "x.emozone"), "x.emozone", Path("/data"))


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_never_crash(seed: int) -> None:
    rng = Random(seed)
    data = text_of(random_project(rng)).encode()
    for _ in range(200):
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 1, 1, 8])):
            flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        damaged(bytes(flipped))


WRONG = [None, True, -1, 0, 1e308, 10**400, "", "x" * 300, "../../../etc/passwd", [], [[]], [[[1]]], {}, {"a": {}}]


@pytest.mark.parametrize("seed", range(3))
def test_wrong_types_anywhere_never_crash(seed: int) -> None:
    """Every value of a project's tree replaced, one after the other, by things that do not belong there."""
    rng = Random(seed)
    tree = json.loads(text_of(random_project(rng)))

    def places(node: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        return [p for key, child in items for p in [(*path, key), *places(child, (*path, key))]]

    everywhere = places(tree)
    for path in rng.sample(everywhere, min(150, len(everywhere))):
        changed = json.loads(json.dumps(tree))
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = rng.choice(WRONG)
        damaged(json.dumps(changed).encode())


@pytest.mark.parametrize(
    "tree",
    [
        {"lanes": [{"target": "AU4", "keys": [[0, 1], [0, 2]]}]},
        {"lanes": [{"target": "AU4", "keys": [[0, 1, "spline"]]}]},
        {"lanes": [{"target": "AU4", "keys": [[0, 1, "bezier", "free"]]}]},
        {"lanes": [{"target": "AU4"}, {"target": "AU4"}]},
        {"lanes": [{"target": "AU3"}]},
        {"lanes": [{"target": "AU4", "keys": [[1e9, 1]]}]},
        {"base": {"take": {"au": []}}},
        {"base": {"take": {"au": [[1] * 16]}}},
        {"expressions": {"clips": [{"preset": "happy", "start_s": 2, "end_s": 1}]}},
        {"presets": [{"name": "x", "au": {"AU3": 1}}]},
    ],
)
def test_senseless_content_is_explained(tree: dict[str, object]) -> None:
    whole = {"format": "emozone-project", "version": 1, "performance": tree}
    with pytest.raises(StudioError, match=r"^x\.emozone is damaged at performance"):
        decode(json.loads(json.dumps(whole)), "x.emozone", Path("/data"))


@pytest.mark.parametrize("path", ["/etc/passwd", "C:/x.wav", "C:x.wav", "\\\\server\\share\\x.wav", "//server/x.wav"])
def test_absolute_paths_from_a_file_are_not_opened_unasked(path: str) -> None:
    tree = {"format": "emozone-project", "version": 1, "audio": {"path": path}}
    project = decode(json.loads(json.dumps(tree)), "x.emozone", Path("/data"))
    assert project.audio is not None
    assert not project.audio.trusted
    with pytest.raises(StudioError, match="relink"):
        project.audio.location()
    assert json.loads(text_of(project))["audio"]["path"] == path


@pytest.mark.parametrize(
    "media", [{"path": "a\0.wav"}, {"path": ""}, {"name": "../ada"}, {"path": "x", "sha256": "zz"}]
)
def test_paths_and_names_that_cannot_be_are_refused(media: dict[str, str]) -> None:
    with pytest.raises(StudioError, match="damaged at audio"):
        decode({"format": "emozone-project", "version": 1, "audio": dict(media)}, "x.emozone", Path("/data"))


def test_what_is_no_project_is_told(tmp_path: Path) -> None:
    cases: dict[str, bytes] = {
        "png": b"\x89PNG\r\n\x1a\n\0\0",
        "other": b'{"format": "something else"}',
        "list": b"[]",
        "empty": b"",
        "version": b'{"format": "emozone-project", "version": 0}',
    }
    for name, data in cases.items():
        path = tmp_path / f"{name}.emozone"
        path.write_bytes(data)
        with pytest.raises(StudioError, match=f"^{name}.emozone "):
            load_project(path)
    with pytest.raises(StudioError, match="does not exist"):
        load_project(tmp_path / "missing.emozone")
    with pytest.raises(StudioError, match="is a folder"):
        load_project(tmp_path)
    os.mkfifo(tmp_path / "pipe.emozone")
    with pytest.raises(StudioError, match="no ordinary file"):
        load_project(tmp_path / "pipe.emozone")


def test_loading_writes_nothing(tmp_path: Path) -> None:
    save_project(random_project(Random(2)), tmp_path / "talk.emozone")
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    load_project(tmp_path / "talk.emozone")
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_the_encoder_reuses_what_did_not_change() -> None:
    project = Project(performance=Performance.held({"AU4": 1.0, "AU12": 2.0}))
    encoder = Encoder()
    first = encoder.encode(project)
    second = encoder.encode(project.perform(lambda p: p.with_held("AU4", 3.0)))
    assert first["performance"]["lanes"][1] is second["performance"]["lanes"][1]  # type: ignore[index, call-overload]
    assert second == Encoder().encode(project.perform(lambda p: p.with_held("AU4", 3.0)))


@given(st.floats(1, 240), st.floats(-100, 100))
def test_frame_times_are_the_nearest_frames(fps: float, time: float) -> None:
    snapped = Project(fps=fps).frame_time(time)
    assert abs(snapped - time) <= 0.5 / fps + 1e-9
    assert snapped * fps == pytest.approx(round(snapped * fps), abs=1e-6)


@pytest.mark.parametrize("values", [{"fps": 0}, {"in_s": 2.0, "out_s": 1.0}, {"in_s": float("nan")}])
def test_senseless_projects_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"project|range"):
        Project(**values)  # type: ignore[arg-type]


def test_trim_and_gain_round_trip(tmp_path: Path) -> None:
    sound = SoundEdit(0.25, 3.5, 1.0, -4.5, (("x-room", '"dry"'),))
    path = tmp_path / "sound.emozone"
    save_project(Project(sound=sound), path)
    assert load_project(path).sound == sound
    assert '"gain_db": -4.5' in path.read_text()


def test_a_project_from_before_has_its_whole_sound(tmp_path: Path) -> None:
    path = tmp_path / "old.emozone"
    path.write_text('{"format": "emozone-project", "version": 1}')
    assert load_project(path).sound == SoundEdit()


@pytest.mark.parametrize(
    "sound", ['{"in_s": 3, "out_s": 2}', '{"gain_db": 1e9}', '{"start_s": -1}', '{"in_s": "x"}', "[]"]
)
def test_a_cut_without_sense_is_one_sentence(tmp_path: Path, sound: str) -> None:
    path = tmp_path / "odd.emozone"
    path.write_text(f'{{"format": "emozone-project", "version": 1, "sound": {sound}}}')
    with pytest.raises(StudioError, match=r"odd\.emozone is damaged at sound"):
        load_project(path)
