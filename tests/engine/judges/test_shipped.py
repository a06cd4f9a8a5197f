"""The shipped judges on people, voices and sentences that they were not trained with."""

import numpy as np
import pytest
import torch

from studio.document.action_units import AU_INDEX
from studio.engine.judges.augment import crops
from studio.engine.judges.films import Film, film_person
from studio.engine.judges.framing import FACE_PX, MOUTH_PX
from studio.engine.judges.nets import FRAMES, MEL_STEP, read_info, shipped_path, shipped_sync, shipped_units
from studio.engine.judges.sync import SyncFigures, embed, figures_of, offset_distances

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return film_person(1002, talking=110, faces=40)


def figures(film: Film, late: int = 0, mel: np.ndarray | None = None) -> SyncFigures:
    """Of the film with its speech heard `late` frames later, or with other speech."""
    lips = crops(film.pictures, film.squares[:, 1], MOUTH_PX, None)
    heard = np.roll(film.mels[0] if mel is None else mel, MEL_STEP * late, axis=0)
    found = embed(shipped_sync(), lips, torch.from_numpy(heard))
    return figures_of(offset_distances(found.windows, found.speech, FRAMES // 2).nanmean(1))


def test_speech_that_is_shifted_is_heard_to_be(films: list[Film]) -> None:
    true = figures(films[0])
    assert abs(true.offset_ms) <= 60.0
    late = figures(films[0], late=6)
    assert late.offset_ms == pytest.approx(240.0, abs=60.0)
    far = figures(films[0], late=40)
    assert far.confidence < 0.6 * true.confidence


def test_the_wrong_speech_has_less_confidence(films: list[Film]) -> None:
    true = figures(films[0])
    wrong = figures(films[0], mel=films[0].mels[0][::-1].copy())
    assert wrong.confidence < 0.6 * true.confidence
    assert wrong.distance > true.distance


def test_units_are_read_from_a_new_face(films: list[Film]) -> None:
    film = films[1]
    read = shipped_units()(crops(film.pictures, film.squares[:, 0], FACE_PX, None)).numpy()
    r = [np.corrcoef(read[:, i], film.units[:, i])[0, 1] for i in (AU_INDEX["AU26"], AU_INDEX["AU25"])]
    assert min(r) > 0.5


@pytest.mark.parametrize("kind", ["sync", "au"])
def test_the_files_are_small_and_say_how_good_they_are(kind: str) -> None:
    path = shipped_path(kind)
    assert path.stat().st_size <= 2_000_000
    info = read_info(path)
    assert info["command"].startswith("python -m studio.engine.judges.train_")
    assert info["figures"]["splats"]
    assert info["figures"]["opengl"]
