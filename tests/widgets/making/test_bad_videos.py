"""Videos that are no portraits, through the real capture in the window: one sentence, and a way on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine import makings
from studio.engine.capture.models import ModelFiles
from studio.widgets.making.window import MakingWindow
from tests.engine.capture.conftest import faces as faces
from tests.engine.capture.conftest import models as models
from tests.engine.capture.conftest import placed, write_video
from tests.widgets.conftest import Studio
from tests.widgets.making.conftest import part_of

Picture = NDArray[np.uint8]
FRAMES = 102


@pytest.fixture
def window(models: ModelFiles, home: Path, studio: Studio) -> Iterator[MakingWindow]:
    studio.window.actions_["avatar.make"].trigger()
    part = part_of(studio)
    assert part.window is not None
    yield part.window
    part.maker.close()


def nobody(faces: list[Picture]) -> Iterator[Picture]:
    for i in range(FRAMES):
        yield np.full((128, 160, 3), 60 + i % 90, np.uint8)


def two_people(faces: list[Picture]) -> Iterator[Picture]:
    beside = placed(faces[0], (200, 400), 0, 8, 192).copy()
    beside[8:200, 200:392] = faces[2]
    for _ in range(FRAMES):
        yield beside


@pytest.mark.parametrize(
    ("who", "says"),
    [(nobody, "shows no face that can be followed"), (two_people, "shows more than one face nearly all the time")],
)
def test_no_face_and_two_faces(
    window: MakingWindow,
    studio: Studio,
    faces: list[Picture],
    tmp_path: Path,
    who: Callable[[list[Picture]], Iterator[Picture]],
    says: str,
) -> None:
    film = write_video(tmp_path / "party.mp4", who(faces))
    window.choose_page.take(film)
    studio.until(lambda: window.choose_page.film is not None)
    window.next_button.click()
    window.consent_page.tick.setChecked(True)
    window.consent_page.name.setText("Mia Lang")
    window.next_button.click()
    problem = window.capture_page.problem
    studio.qtbot.waitUntil(lambda: bool(problem.text()), timeout=240_000)
    assert problem.isVisible()
    assert says in problem.text()
    assert "party.mp4" in problem.text()
    assert problem.text().count(".") == 2  # one sentence, and the file's name
    assert makings.unfinished()[0].problem == problem.text()
    assert film.is_file()


@pytest.mark.parametrize(
    ("bad", "says"),
    [("short", "gives 1.0 s of video, and an avatar needs at least 4 s"), ("noise", "is damaged or not a video file")],
)
def test_files_that_cannot_be_used_are_refused_when_they_are_chosen(
    window: MakingWindow, studio: Studio, faces: list[Picture], tmp_path: Path, bad: str, says: str
) -> None:
    film = tmp_path / f"{bad}.mp4"
    if bad == "short":
        write_video(film, (placed(faces[0], (208, 240), 24, 8, 192) for _ in range(25)))
    else:
        film.write_bytes(np.random.default_rng(0).bytes(20_000))
    window.choose_page.take(film)
    studio.until(lambda: bool(window.choose_page.problem.text()))
    assert says in window.choose_page.problem.text()
    assert not window.next_button.isEnabled()
    assert makings.unfinished() == ()
