"""Films that judges learn from: random people who talk and make faces before a camera at the face.

Most films are drawn as Gaussians on the performer's surface, moved by its true motion: a hundredth of a second each,
and near to how avatars look. A share is drawn by the performer's own OpenGL renderer, with folds, shadows and wet
lips. Labels come from the performer and are exact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.camera import Camera
from studio.engine.controls import Pose
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.judges.acting import Act, make_faces, talk
from studio.engine.judges.framing import face_camera, find_face
from studio.engine.judges.people import random_person
from studio.engine.performer.hair import grow_hair
from studio.engine.performer.mapping import MODE_INDEX
from studio.engine.performer.performer import Performer
from studio.engine.performer.sampling import PARTS, sample_surface
from studio.engine.performer.strands import brows, lashes
from studio.engine.rig import Rig
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.training.initial import facing

log = logging.getLogger(__name__)

FILM_PX = 128
"""Edge of a film's pictures."""

HELD_OUT = 1000
"""People from this number on are never trained on; they speak with voices and sentences of their own."""

TALK, FACES = 220, 140
"""Frames of talking and number of single faces per person."""

GL_TALK, GL_FACES = 24, 12
"""The same in OpenGL, which costs thirty times as much."""

GL_EVERY = 4
"""Of so many people one is filmed in OpenGL as well."""

_POINTS = 16_000
_EXTENT = {"hair": 0.8, "brow": 0.5, "lash": 0.15}
"""Standard deviation of a Gaussian along the surface in spacings, where not 1.1."""
_FAINT = {"lash": -1.0, "brow": 0.5}
"""Logit of the opacity, where not 3."""

Drawn = Literal["splats", "opengl"]
_Draw = Callable[[Act, int, Camera, NDArray[np.float32]], NDArray[np.float32]]
"""(128, 128, 3) picture of one frame of an act, seen by a camera over a background colour (3,)."""


@dataclass(frozen=True)
class Film:
    """Pictures of one person with what they show."""

    person: int
    drawn: Drawn
    pictures: NDArray[np.uint8]  # (F, 128, 128, 3) display sRGB
    squares: NDArray[np.float32]  # (F, 2, 3) x, y, half of face and mouth in pixels
    units: NDArray[np.float32]  # (F, 17) intensities 0–5 that the face shows
    mels: tuple[NDArray[np.float32], ...]  # of consecutive frames: (T, 41) at 100 Hz, one per recording; else none

    def __len__(self) -> int:
        return len(self.pictures)


def film_people(people: list[int], folder: Path) -> list[Film]:
    """Films of these people, from `folder` where they lie there already, else made and put there."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, person in enumerate(people):
        path = folder / f"person-{person:04d}.npz"
        if not path.exists():
            films = film_person(person)
            _save(path, films)
            log.info("filmed person %d, %d of %d", person, number + 1, len(people))
        found += list(_load(path))
    return found


def film_person(person: int, *, talking: int = TALK, faces: int = FACES) -> list[Film]:
    """Talking and making faces, as Gaussians and, one person in `GL_EVERY`, shorter in OpenGL too.

    Args:
        person: who; from `HELD_OUT` on with voices and sentences that judges are not trained with.
        talking: frames of talking.
        faces: number of single faces.
    """
    actor = Performer(random_person(person))
    held = person >= HELD_OUT
    films: list[Film] = []
    draws: list[tuple[Drawn, int, int]] = [("splats", talking, faces)]
    if person % GL_EVERY == 0:
        draws.append(("opengl", GL_TALK, GL_FACES))
    for drawn, frames, count in draws:
        rng = np.random.default_rng([person, 43, len(films)])
        speech = talk(frames, rng, held_out=held)
        acts = [speech, make_faces(count, rng, speech.articulators)]
        draw, release = _splats(actor, rng) if drawn == "splats" else _opengl(actor)
        try:
            films += [_film(actor, person, drawn, act, draw, rng) for act in acts]
        finally:
            release()
    return films


def _film(
    actor: Performer,
    person: int,
    drawn: Drawn,
    act: Act,
    draw: Callable[..., Any],
    rng: np.random.Generator,
) -> Film:
    pivots = torch.from_numpy(actor.head.pivots)
    count, together = len(act), bool(act.mels)
    # A talking head is seen by one camera; single faces by one each.
    views = rng.normal(0, (16.0, 6.0), (1 if together else count, 2)).clip((-30, -15), (30, 15))
    backgrounds = rng.random((1 if together else count, 3)).astype(np.float32)
    pictures = np.empty((count, FILM_PX, FILM_PX, 3), np.uint8)
    squares = np.empty((count, 2, 3), np.float32)
    for frame in range(count):
        view, behind = views[frame % len(views)], backgrounds[frame % len(views)]
        pose = Pose(*(float(v) for v in act.pose[frame]))
        camera = face_camera(pose, actor.head.height, pivots, FILM_PX, float(view[0]), float(view[1]))
        picture = draw(act, frame, camera, behind)
        pictures[frame] = np.round(picture.clip(0, 1) * 255)
        face = find_face(camera, pose, actor.head.height, pivots)
        assert face is not None  # view and pose together stay within TURNED_DEG
        squares[frame] = face.face, face.mouth
    return Film(person, drawn, pictures, squares, shown_units(actor, act.au, act.articulators), act.mels)


def shown_units(actor: Performer, au: NDArray[np.float32], articulators: NDArray[np.float32]) -> NDArray[np.float32]:
    """(F, 17) intensities 0–5 that can be seen, where speech and other units have their say.

    A unit is what its mode shows after the performer's laws. AU25 and AU26 are coded as FACS does, whoever moves the
    jaw: AU26 by the jaw's drop, AU25 by the gap between the lips; both relative to the unit alone at 5.
    """
    weights = actor.weights(au, articulators)
    alone = np.zeros((2, len(AU_KEYS)))
    alone[0, AU_INDEX["AU25"]] = alone[1, AU_INDEX["AU26"]] = MAX_INTENSITY
    full = actor.weights(alone, np.zeros((2, articulators.shape[1])))
    shown = np.zeros((len(au), len(AU_KEYS)))
    for key, column in AU_INDEX.items():
        if key in MODE_INDEX:
            shown[:, column] = weights[:, MODE_INDEX[key]]
    shown[:, AU_INDEX["AU26"]] = weights[:, MODE_INDEX["jaw"]] / full[1, MODE_INDEX["jaw"]]
    shown[:, AU_INDEX["AU25"]] = _gaps(actor, weights) / _gaps(actor, full[:1])
    return np.asarray(MAX_INTENSITY * shown.clip(0, 1), np.float32)


def _gaps(actor: Performer, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) height of the opening between the lips beyond what it is at rest, metres; the gap is linear in weights."""
    rest = actor.head.controls
    rise = np.array([actor.lip_gap(rest + mode) for mode in actor.modes]) - actor.lip_gap(rest)
    return np.asarray((weights @ rise).clip(0, None))


def _splats(actor: Performer, rng: np.random.Generator) -> tuple[_Draw, Callable[[], None]]:
    """Draws the actor as Gaussians that sit on its surface and share its motion."""
    head = actor.head
    strands = [brows(head, rng), lashes(head, rng), grow_hair(head, actor.anatomy, rng)]
    samples = sample_surface(actor, strands, _POINTS, rng)
    count = len(samples.points)
    wide, opaque = torch.full((count,), 1.1), torch.full((count,), 3.0)
    for name, extent in _EXTENT.items():
        wide[torch.from_numpy(samples.parts == PARTS.index(name))] = extent
    for name, logit in _FAINT.items():
        opaque[torch.from_numpy(samples.parts == PARTS.index(name))] = logit
    spacing = torch.from_numpy(samples.spacing).float()[:, None] * wide[:, None]
    colours = torch.from_numpy(samples.colours).float()
    still = Gaussians(
        means=torch.from_numpy(samples.points).float(),
        quats=facing(torch.from_numpy(samples.normals).float()),
        log_scales=(spacing * torch.tensor([1.0, 1.0, 0.15])).log(),
        opacity_logits=opaque,
        sh=((colours - 0.5) / SH_C0)[:, None],
    )
    rig = Rig(torch.from_numpy(samples.skinning).float(), torch.from_numpy(head.pivots).float())
    modes = torch.from_numpy(samples.modes).reshape(len(samples.modes), -1)
    rasterizer = CpuRasterizer()

    def draw(act: Act, frame: int, camera: Camera, behind: NDArray[np.float32]) -> NDArray[np.float32]:
        weights = actor.weights(act.au[frame : frame + 1], act.articulators[frame : frame + 1])
        moved = still.replace(means=still.means + (torch.from_numpy(weights).float() @ modes).view(-1, 3))
        posed = rig.apply(moved, Pose(*(float(v) for v in act.pose[frame])))
        picture: Tensor = rasterizer.render(posed, camera).over(torch.from_numpy(behind))
        return np.asarray(picture.numpy())

    return draw, lambda: None


def _opengl(actor: Performer) -> tuple[_Draw, Callable[[], None]]:
    """Draws the actor as captures are drawn, at low quality."""
    from studio.engine.performer.render import PerformerRenderer, Quality

    quality = Quality(multisampling=1, map_px=256, sky_directions=6)
    renderer = PerformerRenderer(actor, size_px=FILM_PX, quality=quality)

    def draw(act: Act, frame: int, camera: Camera, behind: NDArray[np.float32]) -> NDArray[np.float32]:
        drawn = renderer.render(actor.moment(act.au[frame], act.articulators[frame], act.pose[frame]), camera)
        rgba = drawn.astype(np.float32) / 255
        return np.asarray(rgba[..., :3] * rgba[..., 3:] + behind * (1 - rgba[..., 3:]))

    return draw, renderer.release


def _save(path: Path, films: list[Film]) -> None:
    arrays: dict[str, Any] = {}
    for number, film in enumerate(films):
        arrays |= {
            f"{number}.{name}": getattr(film, name) for name in ("pictures", "squares", "units", "person", "drawn")
        }
        arrays |= {f"{number}.mel.{i}": mel.astype(np.float16) for i, mel in enumerate(film.mels)}
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def _load(path: Path) -> Iterator[Film]:
    with np.load(path) as arrays:
        for number in range(sum(name.endswith(".pictures") for name in arrays)):
            heard = [name for name in arrays if name.startswith(f"{number}.mel.")]
            yield Film(
                int(arrays[f"{number}.person"]),
                "splats" if str(arrays[f"{number}.drawn"]) == "splats" else "opengl",
                arrays[f"{number}.pictures"],
                arrays[f"{number}.squares"],
                arrays[f"{number}.units"],
                tuple(arrays[name].astype(np.float32) for name in sorted(heard)),
            )
