"""A stand-in for the work: a script that does what it is told, in a process of its own as the real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar, save_avatar
from studio.engine.footage import Footage
from studio.widgets.making import choose, film, maker
from studio.widgets.making.film import Film
from studio.widgets.making.part import MakingPart
from studio.widgets.making.window import MakingWindow
from tests.widgets.conftest import Studio

WORK = """
import json, os, shutil, sys, time
plan = json.load(open(sys.argv[1]))[sys.argv[2]]
def tell(**values):
    sys.stderr.write(json.dumps({"event": "progress", **values}) + "\\n")
    sys.stderr.flush()
for event in plan["events"]:
    tell(**event)
if plan.get("waits") and b"stop" in os.read(0, 100):
    sys.stderr.write("emozone: Stopped; run the same command again to go on.\\n")
    sys.exit(1)
if plan.get("dies"):
    os.kill(os.getpid(), 9)
if plan.get("brings"):
    where, to = plan["brings"], sys.argv[3]
    shutil.copytree(where, to) if os.path.isdir(where) else shutil.copy(where, to)
if plan.get("fails"):
    sys.stderr.write("a warning of a library\\nemozone: " + plan["fails"] + "\\n")
    sys.exit(1)
"""


LOOKING = {"share": 0.2, "what": "looking at picture 100 of 500"}

CUTTING = {"share": 0.6, "what": "cutting out picture 300 of 500"}

TRAINED = {
    "share": 0.5,
    "iteration": 50,
    "iterations": 100,
    "stage": "fine",
    "loss": 0.02,
    "psnr_db": 28.0,
    "left_s": 90,
}
"""What the work tells on its way."""


def report(verdict: str = "usable with limits", limits: tuple[str, ...] = ("13 s can be used.",)) -> dict[str, Any]:
    """As a capture writes it."""
    return {
        "video": "mia.mp4", "frames": 500, "frames_used": 480, "seconds_used": 19.2, "left_out": {"blurred": 20},
        "video_size_px": [640, 480], "video_fps": 25.0, "picture_px": 256, "face_px": 200.0,
        "tracking_error_px": 1.2, "tracking_error_share": 0.006, "focal_over_edge": 1.9,
        "jitter_deg": {"as_fitted": 0.2, "smoothed": 0.06},
        "pose_deg": {name: {"low": -5.0, "high": 6.0} for name in ("yaw", "pitch", "roll")},
        "action_units": {key: {"low": 0.0, "middle": 0.5, "high": 2.0} for key in AU_KEYS},
        "action_units_shown": list(AU_KEYS),
        "speech": {"has_sound": True, "is_the_persons": True, "seconds": 12.0, "sounds": ["a"], "coverage": 0.8},
        "offset": {"found_ms": 200, "corrected_ms": 200}, "light": {"change": 0.02, "level": 0.5},
        "background": {"seen": 0.9, "still": True}, "verdict": verdict, "limits": list(limits),
    }  # fmt: skip


@dataclass
class Work:
    """What the stand-in does at its next start, and with what words it was called."""

    plan_file: Path
    capture_folder: Path
    avatar_file: Path
    called: list[tuple[str, ...]]

    def plan(self, step: str, *events: dict[str, Any], **what: object) -> None:
        plans = json.loads(self.plan_file.read_text())
        self.plan_file.write_text(json.dumps({**plans, step: {"events": events, **what}}))

    def capture(self, *events: dict[str, Any], **what: object) -> None:
        """By default it comes to its end."""
        self.plan("capture", *events, **(what or {"brings": str(self.capture_folder)}))

    def training(self, *events: dict[str, Any], **what: object) -> None:
        """By default it comes to its end."""
        self.plan("training", *events, **(what or {"brings": str(self.avatar_file)}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder."""
    monkeypatch.setattr("studio.engine.assets.platformdirs.user_data_path", lambda *_, **__: tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def work(tmp_path: Path, home: Path, avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> Work:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    folder = tmp_path / "captured"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report()))
    save_avatar(avatar, tmp_path / "trained.safetensors")
    work = Work(tmp_path / "plan.json", folder, tmp_path / "trained.safetensors", [])
    work.plan_file.write_text("{}")
    work.capture()
    work.training()
    real = {"capture": maker.capture_words, "training": maker.training_words}

    def words(step: str) -> Callable[[maker.Making], list[str]]:
        def called(making: maker.Making) -> list[str]:
            work.called.append(tuple(real[step](making)))
            target = making.capture if step == "capture" else making.avatar
            return [str(script), str(work.plan_file), step, str(target)]

        return called

    monkeypatch.setattr(maker, "capture_words", words("capture"))
    monkeypatch.setattr(maker, "training_words", words("training"))
    return work


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is taken for a video of 30 s; reading videos has its own tests."""
    path = tmp_path / "mia_lang.mp4"
    path.write_bytes(b"film")
    picture = np.full((film.STRIP_PX, 72, 3), 90, np.uint8)
    monkeypatch.setattr(
        choose,
        "look_at",
        lambda wanted: Film(Footage(wanted, 640, 480, 0, 25.0, 0.0, 30.0, True, 30.0), (picture,) * 14),
    )
    monkeypatch.setattr(choose, "picture_at", lambda *_: film.to_image(picture))
    monkeypatch.setattr("studio.engine.makings.missing_runtime", lambda: None)
    return path


@dataclass
class Making:
    """The studio with the window open, and hands to work it with."""

    studio: Studio
    part: MakingPart
    work: Work
    video: Path

    @property
    def window(self) -> MakingWindow:
        assert self.part.window is not None
        return self.part.window

    def until(self, condition: Callable[[], bool]) -> None:
        self.studio.until(condition)

    def chosen(self) -> None:
        """A video is chosen, and consent given."""
        window = self.window
        window.choose_page.take(self.video)
        self.until(lambda: window.choose_page.film is not None)
        window.next_button.click()
        window.consent_page.tick.setChecked(True)
        window.consent_page.name.setText("Mia Lang")

    def captured(self) -> None:
        """And the capture is done."""
        self.chosen()
        self.window.next_button.click()
        self.until(lambda: self.window.page is self.window.report_page)

    def in_training(self) -> None:
        """And the training has told how far it is, and goes on."""
        self.captured()
        self.work.training(TRAINED, waits=True)
        self.window.next_button.click()
        self.until(lambda: bool(self.part.maker.curve))


def part_of(studio: Studio) -> MakingPart:
    return next(part for part in studio.window.parts if isinstance(part, MakingPart))


@pytest.fixture
def making(studio: Studio, work: Work, video: Path) -> Iterator[Making]:
    part = part_of(studio)
    studio.window.actions_["avatar.make"].trigger()
    yield Making(studio, part, work, video)
    studio.answers.to_confirm = True
