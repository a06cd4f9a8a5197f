import pytest
import torch

from studio.engine.deform.triplane import TriPlane

BOX = torch.tensor([[-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]])


def test_feature_is_the_product_of_the_three_projections():
    planes = TriPlane(BOX, channels=2, resolutions=(5,))
    corner = planes(BOX[1:])[0]
    assert torch.allclose(corner, planes.planes[0][:, :, -1, -1].prod(0))


def test_reads_linearly_between_texels():
    planes = TriPlane(BOX, channels=3, resolutions=(3,))
    with torch.no_grad():
        planes.planes[0].fill_(1.0)
        planes.planes[0][0] = torch.linspace(0, 1, 3).expand(3, 3, 3)  # the xy plane rises with x
    points = torch.tensor([[-1.0, 0, 0], [-0.5, 1, 2], [0.25, -1, -2], [1.0, 0, 0]])
    assert torch.allclose(planes(points), (points[:, :1] + 1).expand(4, 3) / 2, atol=1e-6)


def test_outside_the_box_reads_its_border():
    planes = TriPlane(BOX)
    far = torch.tensor([[5.0, 7.0, -9.0]])
    assert torch.allclose(planes(far), planes(far.clamp(BOX[0], BOX[1])))
    assert planes(far).shape == (1, planes.width) == (1, 64)


def test_different_resolutions_stand_side_by_side():
    planes = TriPlane(BOX, channels=4, resolutions=(8, 16))
    points = torch.rand(10, 3)
    before = planes(points)
    with torch.no_grad():
        planes.planes[1].zero_()
    after = planes(points)
    assert torch.equal(after[:, :4], before[:, :4])
    assert not after[:, 4:].any()


def test_refuses_an_inverted_box():
    with pytest.raises(ValueError, match="aabb"):
        TriPlane(BOX.flip(0))
