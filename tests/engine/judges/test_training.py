"""Both training commands run from films to a file that loads."""

from pathlib import Path

import numpy as np
import pytest
import torch

from studio.engine.judges import schedule, train_au, train_sync
from studio.engine.judges.films import FILM_PX, Drawn, Film
from studio.engine.judges.nets import SyncNet, UnitNet, load_judge, read_info
from studio.engine.judges.train_sync import mel_span


def blinking(person: int, drawn: Drawn, frames: int, talks: bool) -> Film:
    """A square that is as bright as the sound is loud."""
    rng = np.random.default_rng(person)
    level = rng.random(frames).astype(np.float32)
    pictures = np.zeros((frames, FILM_PX, FILM_PX, 3), np.uint8)
    pictures[:, 60:90, 50:80] = (255 * level[:, None, None, None]).astype(np.uint8)
    pictures += rng.integers(0, 60, pictures.shape).astype(np.uint8) // 2
    mel = np.repeat(level, 4)[:, None] * np.ones(41, np.float32)
    squares = np.tile(np.array([[64, 64, 50], [64, 75, 27]], np.float32), (frames, 1, 1))
    units = np.repeat(5 * level[:, None], 17, axis=1)
    return Film(person, drawn, pictures, squares, units, (mel, mel) if talks else ())


def films(people: list[int], folder: Path) -> list[Film]:
    kinds: list[tuple[Drawn, bool]] = [("splats", True), ("splats", False), ("opengl", True), ("opengl", False)]
    return [blinking(4 * person + i, drawn, 44, talks) for person in people for i, (drawn, talks) in enumerate(kinds)]


@pytest.mark.parametrize("kind", ["sync", "au"])
def test_a_command_makes_a_judge(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "film_people", films)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    command = {"sync": train_sync.main, "au": train_au.main}[kind]
    out = tmp_path / "judge.safetensors"
    command([str(out), "--people", "2", "--steps", "3", "--films", str(tmp_path / "films")])
    info = read_info(out)
    assert info["kind"] == kind
    assert info["people"] == 8
    assert info["command"].endswith("judge.safetensors --people 2 --steps 3 --films films")
    assert set(info["figures"]) == {"splats", "opengl"}
    load_judge(SyncNet if kind == "sync" else UnitNet, out)  # type: ignore[type-var]


def test_training_teaches_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_au, "_PEOPLE", 2)
    options = schedule.options_of("m", ["out.safetensors", "--steps", "40"], steps=1, about=None)
    learned = train_au.fit(films([1], tmp_path), options)
    found = train_au.measure(learned, films([3], tmp_path))
    assert found["mean r"] > 0.5


def test_the_bound_on_minutes_ends_training_early() -> None:
    options = schedule.options_of("m", ["o.safetensors", "--steps", "50", "--minutes", "1e-9"], steps=1, about=None)
    net = UnitNet()
    assert list(schedule.train_steps(net, options)) == []


def test_the_mel_of_a_span_begins_before_its_first_frame() -> None:
    mel = np.arange(100, dtype=np.float32)[:, None]
    span = mel_span(mel, 5, 3)
    assert span[:, 0].tolist() == list(range(10, 39))
    assert mel_span(mel, 0, 1)[:11, 0].tolist() == [0.0] * 11
