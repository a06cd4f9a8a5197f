"""Identity is measured by a recogniser or not at all."""

import numpy as np
import pytest

from studio.engine.measures import identity
from studio.engine.measures.identity import Recogniser, alike, missing
from studio.errors import StudioError

MARKS = {
    "eye_outer_left": (90.0, 50.0), "eye_inner_left": (72.0, 51.0), "eye_outer_right": (38.0, 50.0),
    "eye_inner_right": (56.0, 51.0), "nose_base": (64.0, 82.0),
}  # fmt: skip


def test_alike_is_a_cosine_and_a_distance() -> None:
    first, second = np.array([1.0, 0.0]), np.array([3.0, 4.0])
    assert alike(first, first) == {"identity_similarity": 1.0, "identity_distance": 0.0}
    found = alike(first, second)
    assert found["identity_similarity"] == pytest.approx(0.6)
    assert found["identity_distance"] == pytest.approx(20**0.5)


def test_without_a_recogniser_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_MODELS", "no_such_package")
    assert "emozone-studio[research]" in str(missing())
    with pytest.raises(StudioError, match=r"emozone-studio\[research\]"):
        Recogniser()


@pytest.mark.skipif(missing() is not None, reason="dlib and its weights are not installed")
def test_a_face_is_like_itself_and_needs_its_landmarks() -> None:
    recogniser = Recogniser()
    rows, columns = np.mgrid[:128, :128]
    picture = np.stack([rows + 60, columns + 60, 128 + 0 * rows], 2).astype(np.uint8)
    face = recogniser.embedding(picture, MARKS)
    assert face is not None
    assert face.shape == (128,)
    again = recogniser.embedding(picture, MARKS)
    assert again is not None
    assert alike(face, again)["identity_distance"] == 0.0
    mesh = dict(zip(("eye_263", "eye_362", "eye_33", "eye_133", "face_2"), MARKS.values(), strict=True))
    same = recogniser.embedding(picture, mesh)
    assert same is not None
    assert alike(face, same)["identity_distance"] == 0.0
    assert recogniser.embedding(picture, {k: v for k, v in MARKS.items() if k != "nose_base"}) is None
    assert recogniser.embedding(picture, MARKS | {"nose_base": (64.0, 500.0)}) is None
