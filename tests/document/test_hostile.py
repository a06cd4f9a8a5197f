"""Files made to harm: whatever is read from a disk gives a value or one sentence, soon, and writes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX
from studio.document.commands import History
from studio.document.curves import Curve
from studio.document.interchange.arkit import ARKIT
from studio.document.interchange.detect import import_take
from studio.document.interchange.live_link import export_live_link
from studio.document.interchange.openface import export_openface
from studio.document.journal import Journal, recoverable
from studio.document.media import check_media, collect
from studio.document.model import Project
from studio.document.performance import Performance
from studio.document.project import load_project, save_project
from studio.document.takes import Take
from studio.errors import StudioError
from tests.document.strategies import random_project

Load = Callable[[Path], object]


def small_take() -> Take:
    au = np.zeros((6, len(AU_INDEX)), np.float32)
    au[:, 3] = np.arange(6) / 2
    return Take("take", 25.0, au)


def project_file(path: Path) -> Load:
    save_project(random_project(Random(11)), path)
    return load_project


def openface_file(path: Path) -> Load:
    export_openface(small_take(), path)
    return import_take


def live_link_file(path: Path) -> Load:
    export_live_link(small_take(), path)
    return import_take


def audio2face_file(path: Path) -> Load:
    weights = [[i / 10] * len(ARKIT) for i in range(4)]
    path.write_text(json.dumps({"exportFps": 30, "numFrames": 4, "facsNames": list(ARKIT), "weightMat": weights}))
    return import_take


MAKERS = {
    "project.emozone": project_file,
    "openface.csv": openface_file,
    "live.csv": live_link_file,
    "a2f.json": audio2face_file,
}


def outcome(load: Load, path: Path) -> str:
    """Empty for a value, otherwise the sentence; anything else is a defect."""
    try:
        load(path)
    except StudioError as error:
        sentence = str(error)
        assert sentence
        assert "\n" not in sentence
        assert len(sentence) < 500
        return sentence
    return ""


@pytest.mark.parametrize("name", MAKERS)
def test_truncation_at_every_64th_byte(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    load = MAKERS[name](path)
    data = path.read_bytes()
    assert outcome(load, path) == ""
    told = 0
    for length in range(0, len(data) - 2, 64):
        path.write_bytes(data[:length])
        told += bool(outcome(load, path))
    assert told > 0
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", range(2))
def test_flipped_bits(tmp_path: Path, name: str, seed: int) -> None:
    rng = Random(seed)
    path = tmp_path / name
    load = MAKERS[name](path)
    data = path.read_bytes()
    for _ in range(80):
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 1, 4, 32])):
            flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        outcome(load, path)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"facsNames":' * 50_000,
        b'"' * 100_000,
        b"," * 100_000,
        b"AU01_r" + b"," * 100_000 + b"\n" + b"1," * 100_000,
        b"\0" * 1000,
        b"\xff" * 1000,
        b"AU01_r\n" + b"9" * 100_000,
        b"AU01_r, timestamp\n1, 0\n2, 0.04\n3, 0.08\n4, 1e12\n",
        b'{"facsNames": ["jawOpen"], "weightMat": [[1e308]], "exportFps": 1e-300}',
    ],
    ids=["deep", "objects", "quotes", "commas", "columns", "zeros", "ff", "digits", "gap", "rate"],
)
def test_hostile_content(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    load = MAKERS[name](path)
    path.write_bytes(data)
    assert outcome(load, path)


@pytest.mark.parametrize("times", ["1e308, -1e308", "0, 1e12", "0, 0", "5, 4", "-1e9, 1e9"])
def test_senseless_times_give_a_take_or_a_sentence(tmp_path: Path, times: str) -> None:
    first, second = times.split(",")
    (tmp_path / "x.csv").write_text(f"AU01_r, timestamp\n1, {first}\n2, {second}\n")
    outcome(import_take, tmp_path / "x.csv")


def whole(**content: object) -> bytes:
    return json.dumps({"format": "emozone-project", "version": 1, **content}).encode()


@pytest.mark.parametrize(
    "data",
    [
        whole(performance={"presets": [{"name": f"p{i // 2}", "au": {}} for i in range(100_000)]}),
        whole(performance={"lanes": [{"target": "AU4", "name": str(i)} for i in range(100_000)]}),
        whole(performance={"expressions": {"clips": [{"preset": "happy", "start_s": 0, "end_s": 1}] * 100_000}}),
        whole(performance={"base": {"take": {"name": "t", "fps": 25, "au": [[0]] * 100_000}}}),
        whole(markers=[{"time_s": 1}] * 200_000),
        whole(bookmarks=[{"name": "x"}] * 200_000),
        whole(audio={"path": "../" * 100_000}),
        whole(audio={"path": "/dev/zero\0"}),
        whole(avatar={"name": "../../etc/passwd"}),
    ],
    ids=["presets", "lanes", "clips", "take", "markers", "bookmarks", "path", "nul", "name"],
)
def test_projects_of_hostile_size_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.emozone"
    path.write_bytes(data)
    assert outcome(load_project, path).startswith("x.emozone is damaged at ")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/random", "/proc/self/mem", "//server/share/x.wav", "C:\\x.wav"])
def test_devices_and_absolute_paths_are_never_opened(tmp_path: Path, path: str) -> None:
    file = tmp_path / "x.emozone"
    file.write_bytes(whole(audio={"path": path}, avatar={"path": path}))
    project = load_project(file)
    assert {report.state for report in check_media(project)} == {"refused"}
    with pytest.raises(StudioError, match="relink"):
        collect(project, tmp_path / "out", "x")
    assert sorted(os.listdir(tmp_path)) == ["x.emozone"]


def test_a_link_to_a_device_is_no_medium(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to("/dev/zero")
    file = tmp_path / "x.emozone"
    file.write_bytes(whole(audio={"path": "a.wav"}))
    assert [report.state for report in check_media(load_project(file))] == ["unreadable"]


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", "a\0b", "con/../x", "x" * 500, ""])
def test_collecting_writes_only_into_its_folder(tmp_path: Path, name: str) -> None:
    sound = tmp_path / "in" / "..wav"
    sound.parent.mkdir()
    sound.write_bytes(b"sound")
    file = sound.parent / "x.emozone"
    file.write_bytes(whole(audio={"path": "..wav"}))
    before = set(tmp_path.rglob("*"))
    _, made = collect(load_project(file), tmp_path / "out", name)
    new = set(tmp_path.rglob("*")) - before
    assert made in new
    assert all((tmp_path / "out") in path.parents or path == tmp_path / "out" for path in new)


def test_journals_cut_at_every_64th_byte_give_a_committed_state(tmp_path: Path) -> None:
    history = History(Project())
    journal = Journal(history.project, folder=tmp_path)
    journal.attach(history)
    states = [history.project]
    for i in range(12):
        curve = Curve.from_samples(np.arange(i + 2) / 5, np.full(i + 2, i / 4))
        history.apply(str(i), lambda p, curve=curve: p.perform(lambda f: f.with_curve("AU12", curve)))
        states.append(history.project)
    journal.close(keep=True)
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    for length in range(0, len(data), 64):
        file.write_bytes(data[:length])
        found = recoverable(tmp_path)
        records = data[:length].count(b"\n")
        assert [recovery.load() for recovery in found] == ([states[records - 1]] if records > 1 else [])


def test_a_performance_with_many_layers_of_one_name_is_refused_at_once() -> None:
    lane = Performance.held({"AU4": 1.0}).lanes[0]
    with pytest.raises(ValueError, match="two lanes share the name 'AU4'"):
        Performance(lanes=(lane,) * 50_000)
