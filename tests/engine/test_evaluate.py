"""Evaluation says what a user would see: the contract's keys, the truth's ceiling, the sound's honest share."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.commands.scores import scores_table
from studio.engine.avatar import load_avatar
from studio.engine.evaluate import evaluate
from studio.engine.measures.page import write_page
from studio.engine.measures.perceptual import perceptual_weights
from studio.engine.training.capture_files import load_capture
from studio.engine.training.recipes import RECIPES
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", frames=40, images=16, size_px=32, points=300)


def test_the_keys_of_the_contract(folder: Path, tmp_path: Path) -> None:
    avatar = load_avatar(train(folder, tmp_path / "egg.safetensors", RECIPES["quick"], iterations=12))
    capture = load_capture(folder)
    seen: list[tuple[int, int]] = []
    found = evaluate(avatar, capture, progress=lambda done, total: seen.append((done, total)))
    contract = {"psnr_db", "ssim", "st_lpips", "lmd_px", "sync_confidence", "sync_offset_ms", "aue_u", "aue_l"}
    contract |= {"au_jerk", "leakage", "conflict_error", "per_au"}
    assert contract <= found.keys()
    unknown = {"sync_confidence", "sync_offset_ms", "conflict_error"}
    installed = () if perceptual_weights() is None else ("st_lpips",)
    assert {key for key in contract if found[key] is None} == unknown | ({"st_lpips"} - set(installed))
    assert {key for key in found["not_measured"] if key in contract} == unknown | ({"st_lpips"} - set(installed))
    assert found["split"] == "test"
    assert found["per_au"].keys() == {"AU4", "AU12"}
    assert len(found["worst"]) == 2
    assert found["worst"][0]["mouth_psnr_db"] <= found["worst"][1]["mouth_psnr_db"]
    assert sum(view["pictures"] for view in found["views"].values()) == 2
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    table = "\n".join(scores_table(found))
    assert f"{found['truth']['aue_u']:.4g}" in table
    assert "AU12" in table
    assert "not measured: " in table
    assert found["pictures"] == len(capture.indices("test")) == 2
    assert seen == [(1, 2), (2, 2)]
    assert found["speech"] == "sound"
    assert found["truth"]["psnr_db"] > 10

    page = tmp_path / "page.png"
    write_page(page, avatar, capture, found)
    with Image.open(page) as sheet:
        assert sheet.size == (2480, 3508)
        assert sheet.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        corner = np.asarray(sheet)[:118, :118]
        assert bool((corner == 255).all()), "margins stay white"
        assert float(np.asarray(sheet).mean()) < 254
    with pytest.raises(StudioError, match="cannot be written"):
        write_page(tmp_path / "none" / "page.png", avatar, capture, found)

    truth = evaluate(avatar, capture, speech="truth")
    assert truth["psnr_db"] == pytest.approx(found["truth"]["psnr_db"])
    assert "truth" not in truth
    training = evaluate(avatar, capture, speech="truth", split="train")
    assert training["pictures"] == 14


def test_a_capture_without_test_pictures_is_refused(folder: Path, tmp_path: Path) -> None:
    whole = load_capture(folder)
    avatar = load_avatar(train(folder, tmp_path / "egg.safetensors", RECIPES["quick"], iterations=3))
    (folder / "capture.json").write_text((folder / "capture.json").read_text().replace('"test"', '"train"'))
    assert len(load_capture(folder).indices("train")) == len(whole.images)
    with pytest.raises(StudioError, match="no pictures of the split 'test'"):
        evaluate(avatar, load_capture(folder), speech="truth")
