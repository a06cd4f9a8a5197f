from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.gaussians import SH_C0
from studio.engine.splat._project import sh_basis_into, sh_direction_gradient
from studio.engine.splat.harmonics import sh_basis, sh_colours

unit_vectors = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


def _sphere() -> tuple[torch.Tensor, torch.Tensor]:
    """Directions and weights that integrate polynomials up to degree 7 over the sphere exactly."""
    z, z_weights = np.polynomial.legendre.leggauss(8)
    azimuth = np.arange(16) * 2 * np.pi / 16
    zz, aa = np.meshgrid(z, azimuth, indexing="ij")
    ring = np.sqrt(1 - zz**2)
    directions = np.stack([ring * np.cos(aa), ring * np.sin(aa), zz], axis=-1).reshape(-1, 3)
    weights = np.repeat(z_weights, 16) * 2 * np.pi / 16
    return torch.from_numpy(directions), torch.from_numpy(weights)


def test_basis_is_orthonormal() -> None:
    directions, weights = _sphere()
    basis = sh_basis(directions, 3)
    gram = basis.T @ (weights[:, None] * basis)
    torch.testing.assert_close(gram, torch.eye(16, dtype=torch.float64), atol=1e-12, rtol=0)


@settings(deadline=None)
@given(unit_vectors)
def test_power_of_each_degree_is_the_same_in_every_direction(vector: tuple[float, float, float]) -> None:
    direction = torch.nn.functional.normalize(torch.tensor(vector, dtype=torch.float64), dim=0)
    power = sh_basis(direction, 3) ** 2
    for degree in range(4):
        assert float(power[degree**2 : (degree + 1) ** 2].sum()) == pytest.approx((2 * degree + 1) / (4 * np.pi))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_lower_degrees_are_the_beginning_of_higher_ones(degree: int) -> None:
    directions, _ = _sphere()
    torch.testing.assert_close(sh_basis(directions, degree), sh_basis(directions, 3)[:, : (degree + 1) ** 2])


@pytest.mark.parametrize("degree", [-1, 4])
def test_unsupported_degree_is_named(degree: int) -> None:
    with pytest.raises(ValueError, match=f"degree {degree}"):
        sh_basis(torch.tensor([0.0, 0.0, 1.0]), degree)


def test_degree_one_brightens_the_side_it_points_to() -> None:
    sh = torch.zeros(2, 4, 3)
    sh[:, 2] = 0.5  # the coefficient of z
    colours = sh_colours(sh, torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]), torch.zeros(3))
    assert (colours[0] > 0.5).all()
    assert (colours[1] < 0.5).all()


def test_colour_is_half_plus_constant_term_and_never_negative() -> None:
    sh = torch.tensor([[[0.2, 0.0, -9.0]]])
    colours = sh_colours(sh, torch.tensor([[0.3, 0.1, 2.0]]), torch.zeros(3))
    torch.testing.assert_close(colours, torch.tensor([[0.5 + 0.2 * SH_C0, 0.5, 0.0]]))


def test_gradients_reach_coefficients_and_means() -> None:
    generator = torch.Generator().manual_seed(0)
    sh = (torch.randn(5, 16, 3, generator=generator, dtype=torch.float64) * 0.1).requires_grad_()
    means = (torch.randn(5, 3, generator=generator, dtype=torch.float64) + 3.0).requires_grad_()
    eye = torch.zeros(3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: sh_colours(a, b, eye), (sh, means))


@settings(deadline=None)
@given(unit_vectors, st.sampled_from([1, 4, 9, 16]), st.integers(0, 2**32 - 1))
def test_compiled_twin_agrees(vector: tuple[float, float, float], count: int, seed: int) -> None:
    direction = torch.nn.functional.normalize(torch.tensor(vector, dtype=torch.float64), dim=0).requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(seed).normal(size=count))
    expected = sh_basis(direction, {1: 0, 4: 1, 9: 2, 16: 3}[count])
    want = torch.zeros(3) if count == 1 else torch.autograd.grad(expected @ weights, direction)[0]
    basis, padded = np.zeros(16), np.zeros(16)
    padded[:count] = weights.numpy()
    unit = direction.detach().numpy()
    sh_basis_into(unit[0], unit[1], unit[2], count, basis)
    np.testing.assert_allclose(basis[:count], expected.detach().numpy(), atol=1e-12)
    gradient = np.array(sh_direction_gradient(unit[0], unit[1], unit[2], count, padded))
    np.testing.assert_allclose(gradient, want.numpy(), atol=1e-11)
