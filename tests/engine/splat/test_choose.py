from __future__ import annotations

import importlib.util

import pytest
import torch

from studio.engine.splat import choose
from studio.engine.splat.choose import BACKENDS, available_backends, choose_rasterizer, cuda_rasterizer
from studio.engine.splat.drivers import BACKEND_VARIABLE, is_graphics_card
from studio.errors import StudioError


@pytest.fixture
def _no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(choose, "_may_have_graphics_card", lambda: False)
    monkeypatch.setattr(choose, "_opengl_is_hardware", lambda: None)


def test_unknown_name_is_quoted_with_the_choices() -> None:
    with pytest.raises(StudioError, match=r'"vulkan".*auto, cpu, cuda, opengl, reference'):
        choose_rasterizer("vulkan")


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_backends_that_always_work(name: str) -> None:
    assert choose_rasterizer(name).name == name
    assert name in BACKENDS


@pytest.mark.usefixtures("_no_cards")
def test_without_any_card_automatic_is_the_cpu() -> None:
    assert choose_rasterizer().name == "cpu"
    assert available_backends() == ("cpu",)


@pytest.mark.usefixtures("_no_cards")
def test_cuda_by_force_without_a_card_is_one_sentence() -> None:
    with pytest.raises(StudioError, match="NVIDIA card") as caught:
        choose_rasterizer("cuda")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("_no_cards")
def test_cuda_without_gsplat_falls_back_or_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert choose_rasterizer().name == "cpu"
    with pytest.raises(StudioError, match=r"emozone-studio\[cuda\]"):
        choose_rasterizer("cuda")


@pytest.mark.usefixtures("_no_cards")
def test_a_gsplat_that_cannot_be_built_falls_back_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "_cuda_is_likely", lambda: True)
    assert choose_rasterizer().name == "cpu"
    assert "cuda" in caplog.text
    assert available_backends() == ("cuda", "cpu")


@pytest.mark.usefixtures("_no_cards")
@pytest.mark.parametrize(
    ("hardware", "order"), [(True, ("opengl", "cpu")), (False, ("cpu", "opengl")), (None, ("cpu",))]
)
def test_opengl_is_listed_by_what_draws_it(
    monkeypatch: pytest.MonkeyPatch, hardware: bool | None, order: tuple[str, ...]
) -> None:
    monkeypatch.setattr(choose, "_opengl_is_hardware", lambda: hardware)
    assert available_backends() == order


@pytest.mark.usefixtures("_no_cards")
def test_opengl_is_never_trained_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_may_have_graphics_card", lambda: True)
    monkeypatch.setattr(choose, "_opengl_is_hardware", lambda: True)
    assert choose_rasterizer("auto", differentiable=True).name == "cpu"
    with pytest.raises(StudioError, match="cannot be trained"):
        choose_rasterizer("opengl", differentiable=True)


@pytest.mark.usefixtures("_no_cards")
def test_the_environment_says_what_automatic_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND_VARIABLE, "reference")
    assert choose_rasterizer().name == "reference"
    assert choose_rasterizer("cpu").name == "cpu", "who names one gets it"
    monkeypatch.setenv(BACKEND_VARIABLE, "opengl")
    assert choose_rasterizer(differentiable=True).name == "cpu", "training is not kept from going on"
    monkeypatch.setenv(BACKEND_VARIABLE, "vulkan")
    with pytest.raises(StudioError, match="vulkan"):
        choose_rasterizer()


def test_no_cuda_is_no_rasterizer(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(choose, "_cuda_is_likely", lambda: False)
    assert cuda_rasterizer() is None
    assert caplog.text == ""
    monkeypatch.setattr(choose, "_cuda_is_likely", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cuda_rasterizer() is None
    assert "NVIDIA card" in caplog.text


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", False),
        ("softpipe", False),
        ("Software Rasterizer", False),
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", False),
        ("D3D12 (Microsoft Basic Render Driver)", False),
        ("GDI Generic", False),
        ("Apple Software Renderer", False),
        ("zink Vulkan 1.3(llvmpipe (LLVM 17.0.6))", False),
        ("Apple M2 Pro", True),
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", True),
        ("NVIDIA GeForce RTX 4070/PCIe/SSE2", True),
        ("AMD Radeon RX 6600 (radeonsi, navi23)", True),
    ],
)
def test_graphics_cards_are_told_from_programs(name: str, hardware: bool) -> None:
    assert is_graphics_card(name) is hardware
