"""Consent is given once, for one video, and travels unchanged into the avatar."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from studio.engine.avatar import load_avatar, save_avatar
from studio.engine.consent import MAX_NAME, STATEMENT, Consent, give_consent, read_consent, sha256_of
from studio.engine.training.capture import PORTRAIT, CaptureInfo
from studio.engine.training.trainer import origin
from studio.errors import StudioError
from tests.support import toy_avatar

GIVEN = Consent(STATEMENT, "Mia Lang", "2026-03-01T10:00:00+01:00", "mia.mp4", "ab" * 32)
INFO = CaptureInfo(
    "mia", 25.0, 10, 0.4, (64, 64), 0.23, (0.0, 0.0, 0.0), (), (), "mia", "", "", PORTRAIT, consent=GIVEN
)


def test_a_record_names_person_moment_and_video(tmp_path: Path) -> None:
    video = tmp_path / "mia.mp4"
    video.write_bytes(b"film")
    consent = give_consent("  Mia\tLang ", video, sha256_of(video))
    assert (consent.statement, consent.name, consent.video) == (STATEMENT, "Mia Lang", "mia.mp4")
    assert consent.video_sha256 == hashlib.sha256(b"film").hexdigest()
    assert abs((datetime.now().astimezone() - datetime.fromisoformat(consent.date)).total_seconds()) < 60
    assert read_consent(consent.to_json()) == consent


@pytest.mark.parametrize("name", ["", " \t", "\n", "x" * (MAX_NAME + 1)])
def test_nobody_consents_without_a_name(name: str) -> None:
    with pytest.raises(StudioError, match="name"):
        give_consent(name, Path("mia.mp4"), "00")


@pytest.mark.parametrize(
    "values", [None, [], "yes", {}, {**GIVEN.to_json(), "name": 7}, {**GIVEN.to_json(), "name": ""}]
)
def test_what_is_no_record_is_none(values: object) -> None:
    assert read_consent(values) is None


def test_it_travels_into_the_avatar(tmp_path: Path) -> None:
    avatar = toy_avatar(300)
    save_avatar(replace(avatar, info=replace(avatar.info, extra=origin(INFO))), tmp_path / "mia.safetensors")
    extra = load_avatar(tmp_path / "mia.safetensors").info.extra
    assert extra["person"] is True
    assert read_consent(extra["consent"]) == GIVEN
    assert origin(replace(INFO, kind="performance", consent=None)) == {}
