"""Pictures by view: drops are told against the front, outlines by the area that only one of them has."""

import pytest
import torch

from studio.engine.measures.pictures import by_view, mean_scores, silhouette_error, turned_deg, view_drop_db
from studio.engine.training.capture import Capture


def test_the_outline_is_compared_by_area() -> None:
    truth = torch.zeros(20, 20)
    truth[5:15, 5:15] = 1.0
    moved = torch.roll(truth, 2, dims=1)
    assert silhouette_error(truth, truth) == 0.0
    assert silhouette_error(moved, truth) == pytest.approx(0.4)
    assert silhouette_error(torch.zeros(20, 20), truth) == 1.0


def test_views_tell_how_far_they_fall_behind_the_front() -> None:
    scores = [{"psnr_db": value} for value in (34.0, 36.0, 33.0, 31.0, 20.0)]
    turned = [0.0, 14.0, 50.0, 60.0, 170.0]
    assert view_drop_db(scores, turned) == pytest.approx(3.0)
    views = by_view(scores, turned)
    assert {angle: view["drop_db"] for angle, view in views.items()} == {
        "0-15": 0.0, "45-60": 2.0, "60-75": 4.0, "90-180": 15.0,
    }  # fmt: skip
    assert view_drop_db(scores[2:], turned[2:]) is None
    assert by_view(scores[2:], turned[2:])["45-60"]["drop_db"] is None


def test_means_leave_out_what_a_picture_lacks() -> None:
    found = mean_scores([{"psnr_db": 30.0, "mouth_psnr_db": 20.0}, {"psnr_db": 32.0}])
    assert found["psnr_db"] == 31.0
    assert found["mouth_psnr_db"] == 20.0
    assert found["st_lpips"] is None


def test_angles_are_between_camera_and_face(egg: Capture) -> None:
    for index, image in enumerate(egg.images):
        yaw = (0.0, 30.0, -35.0)[image.camera]
        assert turned_deg(egg, index) == pytest.approx(abs(yaw - float(egg.pose[image.frame, 0])), abs=1e-3)
