"""The judges' films: random people who are never those that avatars are made of, and labels that say what is seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

from studio.document.action_units import AU_INDEX
from studio.engine.judges.augment import crops
from studio.engine.judges.films import Film, film_people, film_person, shown_units
from studio.engine.judges.people import random_person
from studio.engine.performer.identity import IDENTITIES
from studio.engine.performer.performer import Performer
from studio.engine.speech.articulators import ARTICULATORS


@pytest.fixture(scope="module")
def actor() -> Performer:
    return Performer(random_person(2), steps=1)


def test_people_are_random_repeatable_and_nobody_shipped() -> None:
    people = [random_person(seed) for seed in range(8)]
    assert people[3] == random_person(3)
    assert len({(p.skin.base, p.iris, tuple(p.shape.items())) for p in people}) == 8
    assert not {p.name for p in people} & set(IDENTITIES)
    assert all(p.shape != shipped.shape for p in people for shipped in IDENTITIES.values())


def test_labels_say_what_is_seen(actor: Performer) -> None:
    au, spoken = np.zeros((5, 17), np.float32), np.zeros((5, 10), np.float32)
    au[1, AU_INDEX["AU12"]] = au[1, AU_INDEX["AU45"]] = 4.0
    spoken[2, ARTICULATORS.index("jaw_open")] = 1.0  # speech drops the jaw as AU26 does
    spoken[3, ARTICULATORS.index("lips_close")] = 1.0
    au[3, AU_INDEX["AU25"]] = 5.0  # lips that are pressed do not part
    au[4, AU_INDEX["AU25"]] = 5.0
    shown = shown_units(actor, au, spoken)
    assert not shown[0].any()
    assert shown[1, AU_INDEX["AU12"]] == pytest.approx(4.0)
    assert shown[1, AU_INDEX["AU45"]] == pytest.approx(4.0)
    assert shown[2, AU_INDEX["AU26"]] == pytest.approx(5.0)
    assert shown[2, AU_INDEX["AU25"]] > 2.0
    assert shown[3, AU_INDEX["AU25"]] < 0.5
    assert shown[4, AU_INDEX["AU25"]] == pytest.approx(5.0)


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return film_person(1001, talking=6, faces=4)


def test_a_film_shows_a_face_that_moves(films: list[Film]) -> None:
    speaking, faces = films
    assert (len(speaking), len(faces)) == (6, 4)
    assert speaking.pictures.dtype == np.uint8
    assert len(speaking.mels) == 2
    assert not faces.mels
    assert all(len(mel) == 6 * 4 + 1 for mel in speaking.mels)
    moved = np.abs(speaking.pictures[0].astype(int) - speaking.pictures[-1]).mean()
    assert moved > 0.5
    assert speaking.squares[:, 0, :2] == pytest.approx(64.0, abs=1e-3)
    face = faces.pictures[0].reshape(-1, 3)
    assert len(np.unique(face, axis=0)) > 500


def test_films_are_kept(films: list[Film], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def made(person: int) -> list[Film]:
        calls.append(person)
        return films

    monkeypatch.setattr("studio.engine.judges.films.film_person", made)
    first, again = film_people([1001], tmp_path), film_people([1001], tmp_path)
    assert calls == [1001]
    assert list(tmp_path.iterdir()) == [tmp_path / "person-1001.npz"]
    for one, other in zip(first, again, strict=True):
        assert one.drawn == other.drawn
        np.testing.assert_array_equal(one.pictures, other.pictures)
        np.testing.assert_array_equal(one.units, other.units)
        assert len(one.mels) == len(other.mels)


def test_variation_keeps_the_face_and_changes_the_rest() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (3, 128, 128, 3)).astype(np.uint8)
    squares = np.tile(np.array([64, 64, 32], np.float32), (3, 1))
    plain = crops(pictures, squares, 64, None)
    expected = torch.from_numpy(pictures[:, 32:96, 32:96]).permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(plain, expected, atol=1e-4, rtol=0)
    varied = crops(pictures, squares, 64, rng, together=True)
    assert varied.shape == plain.shape
    assert float((varied - plain).abs().mean()) > 0.02
    assert float(varied.min()) >= 0.0
    assert float(varied.max()) <= 1.0
