from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar
from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform import graphed
from studio.engine.deform.graphed import GraphedDeformer, Replay, half_is_enough, record_graph
from studio.engine.deform.prepared import TensorDeformer
from studio.engine.gaussians import Gaussians
from studio.engine.speech.articulators import N_ARTICULATORS
from tests.support import controls, toy_avatar


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return toy_avatar(400)


def anew(work: Replay) -> Replay:
    """No recording: the work is done again each time, as a card would."""
    return work


def made(avatar: Avatar, *, half: bool = False) -> GraphedDeformer:
    prepared = TensorDeformer(avatar.deformer, avatar.gaussians.means, avatar.zones)
    return GraphedDeformer(prepared, avatar.gaussians, avatar.rig, half=half, record=anew)


def busy(seed: int) -> Controls:
    random = np.random.default_rng(seed)
    au = 5 * random.random((WINDOW, len(AU_KEYS)))
    speech = random.random((WINDOW, N_ARTICULATORS))
    return Controls(au.astype(np.float32), speech.astype(np.float32), Pose(*random.uniform(-20, 20, 5).tolist()))


def furthest(a: Gaussians, b: Gaussians) -> float:
    return max(float((getattr(a, name) - getattr(b, name)).abs().max()) for name in vars(a))


def test_every_frame_is_that_of_the_prepared_deformer_and_the_rig(avatar: Avatar) -> None:
    fixed = made(avatar)
    prepared = TensorDeformer(avatar.deformer, avatar.gaussians.means, avatar.zones)
    for moment in (
        controls(),
        controls({"AU12": 5.0}),
        controls(pose=Pose(15.0, -5.0, 3.0, 10.0, 4.0)),
        busy(1),
        busy(2),
    ):
        want = avatar.rig.apply(prepared.apply(avatar.gaussians, moment), moment.pose)
        assert furthest(fixed.posed(moment), want) < 1e-4
    assert furthest(fixed.posed(controls()), avatar.gaussians) < 1e-5, "a neutral face at rest is the canonical one"


def test_a_frame_stays_when_the_next_is_made(avatar: Avatar) -> None:
    result: list[Gaussians] = []

    def one_memory(work: Replay) -> Replay:
        result.append(work())

        def replay() -> Gaussians:
            for name, new in vars(work()).items():
                getattr(result[0], name).copy_(new)
            return result[0]

        return replay

    prepared = TensorDeformer(avatar.deformer, avatar.gaussians.means, avatar.zones)
    fixed = GraphedDeformer(prepared, avatar.gaussians, avatar.rig, record=one_memory)
    first = fixed.posed(busy(1))
    kept = first.means.clone()
    fixed.posed(busy(2))
    assert torch.equal(first.means, kept)


def test_half_precision_is_taken_only_where_nobody_sees_it(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, half = made(avatar), made(avatar, half=True)
    moments = [busy(seed) for seed in range(3)]
    assert half_is_enough(whole, whole, moments)
    error = max(float((whole.posed(m).means - half.posed(m).means).abs().max()) for m in moments)
    assert 0 < error < 1e-3
    monkeypatch.setattr(graphed, "FURTHEST_M", error / 2)
    assert not half_is_enough(whole, half, moments)
    colours = [float((whole.posed(m).sh - half.posed(m).sh).abs().max()) for m in moments]
    monkeypatch.setattr(graphed, "FURTHEST_M", 2 * error)
    monkeypatch.setattr(graphed, "FURTHEST_COLOUR", 1.0 + max(colours))
    assert half_is_enough(whole, half, moments)


def test_recording_warms_up_and_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Stream:
        def wait_stream(self, other: object) -> None:
            told.append("wait")

    class Graph:
        def replay(self) -> None:
            told.append("replay")

    @contextlib.contextmanager
    def recording(graph: Graph) -> Iterator[None]:
        told.append("begin")
        yield
        told.append("end")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    shaped = toy_avatar(40).gaussians

    def work() -> Gaussians:
        told.append("work")
        return shaped

    replay = record_graph(work)
    assert told == ["wait", "work", "work", "work", "wait", "begin", "work", "end"]
    assert replay() is shaped
    assert told[-1] == "replay"
