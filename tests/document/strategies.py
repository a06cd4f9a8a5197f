"""Hypothesis strategies that make curves, takes, performances and projects of every kind.

Curves and clips are drawn number by number, so that a failing example shrinks to the simplest one. Performances and
projects are large; drawing them so would take most of the time, and they come from a random generator instead.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from studio.document.action_units import AU_KEYS
from studio.document.curves import Curve, Handle, Interpolation, Key
from studio.document.expressions import EXPRESSIONS, Clip, Expressions, Preset
from studio.document.extra import Extra
from studio.document.lanes import CHANNELS, Lane
from studio.document.model import Bookmark, ExportSettings, Marker, Media, Project, SoundEdit
from studio.document.performance import CameraView, Performance
from studio.document.takes import N_AU, N_POSE, Base, Blinks, Take

values = st.floats(-10, 10, allow_nan=False).map(lambda v: round(v, 4))
moments = st.floats(0, 60, allow_nan=False).map(lambda t: round(t, 3))
seeds = st.integers(0, 2**32 - 1)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)

scalars = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    scalars | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def keys(draw: st.DrawFn, time_s: float) -> Key:
    return Key(
        time_s,
        draw(values),
        draw(st.sampled_from(Interpolation)),
        draw(st.sampled_from(Handle)),
        (-draw(st.floats(0, 3)), draw(values)),
        (draw(st.floats(0, 3)), draw(values)),
    )


@st.composite
def curves(draw: st.DrawFn, min_keys: int = 0, max_keys: int = 6, automatic: bool = False) -> Curve:
    times = draw(st.lists(moments, min_size=min_keys, max_size=max_keys, unique=True))
    if automatic:
        return Curve.from_keys([Key(time, draw(values)) for time in times])
    return Curve.from_keys([draw(keys(time)) for time in times])


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    start = draw(moments)
    preset = draw(st.sampled_from([p.name for p in EXPRESSIONS] + ["unknown"]))
    fades = st.floats(0, 5)
    return Clip(preset, start, start + draw(st.floats(0.1, 10)), draw(st.floats(0, 2)), draw(fades), draw(fades))


# ---- whole documents, from a seed ----

_WORDS = ("", "a", "Größe", "名前", 'quote"s', "back\\slash", "tab\there", "new\nline", "\u2028", "🎭")


def random_extra(rng: Random) -> Extra:
    things: list[Any] = [None, True, 1, 2.5, "ä", [1, [2, {"x": None}]], {"deep": {"er": [1.5]}}]
    chosen = rng.sample(range(5), rng.randint(0, 2) if rng.random() < 0.4 else 0)
    return tuple((f"x-{i}{rng.choice(_WORDS)}", json.dumps(rng.choice(things), separators=(",", ":"))) for i in chosen)


def random_curve(rng: Random, most: int = 6) -> Curve:
    return Curve.from_keys(
        Key(
            rng.uniform(0, 60),
            rng.uniform(-10, 10),
            rng.choice(list(Interpolation)),
            rng.choice(list(Handle)),
            (-rng.uniform(0, 3), rng.uniform(-5, 5)),
            (rng.uniform(0, 3), rng.uniform(-5, 5)),
        )
        for _ in range(rng.randint(0, most))
    )


def random_take(rng: Random) -> Take:
    numbers = np.random.default_rng(rng.getrandbits(32))
    frames = rng.randint(1, 5)
    pose = numbers.uniform(-30, 30, (frames, N_POSE)).astype(np.float32) if rng.random() < 0.5 else None
    au = numbers.uniform(0, 5, (frames, N_AU)).astype(np.float32)
    return Take(rng.choice(_WORDS), rng.choice([24.0, 25.0, 30000 / 1001]), au, pose, random_extra(rng))


def random_lane(rng: Random, lane_id: str) -> Lane:
    target = lane_id if lane_id in CHANNELS else rng.choice(sorted(CHANNELS))
    return Lane(
        target,
        random_curve(rng),
        rng.choice([None, rng.uniform(-10, 10)]),
        rng.choice(["replace", "add"]),
        rng.random() < 0.2,
        rng.random() < 0.1,
        rng.choice([0.0, 1.0, rng.random()]),
        "" if lane_id == target else lane_id,
        random_extra(rng),
    )


def random_clip(rng: Random) -> Clip:
    start = rng.uniform(0, 60)
    preset = rng.choice([p.name for p in EXPRESSIONS] + ["unknown"])
    fades = rng.uniform(0, 3), rng.uniform(0, 3)
    return Clip(preset, start, start + rng.uniform(0.1, 20), rng.uniform(0, 2), *fades, random_extra(rng))


def random_performance(rng: Random) -> Performance:
    def switches() -> tuple[bool, bool, float]:
        return rng.random() < 0.2, rng.random() < 0.1, rng.choice([1.0, rng.random()])

    blinks = Blinks(rng.uniform(1, 60), rng.getrandbits(32), rng.uniform(0, 5), random_extra(rng))
    base = Base(
        rng.choice([None, random_take(rng)]),
        rng.uniform(-5, 60),
        rng.choice([None, blinks]),
        *switches(),
        random_extra(rng),
    )
    expressions = Expressions(tuple(random_clip(rng) for _ in range(rng.randint(0, 3))), *switches(), random_extra(rng))
    ids = rng.sample([*CHANNELS, "second", "third"], rng.randint(0, 6))
    presets = tuple(
        Preset(name, ((rng.choice(AU_KEYS), rng.uniform(0, 5)),), random_extra(rng))
        for name in rng.sample(_WORDS, rng.randint(0, 2))
    )
    return Performance(base, expressions, tuple(random_lane(rng, i) for i in ids), presets, random_extra(rng))


def random_media(rng: Random) -> Media | None:
    digest = rng.choice([None, rng.randbytes(32).hex()])
    paths = ["/data/voice.wav", "/data/take 2/ä.wav", "/x.safetensors"]
    file = Media(rng.choice(paths), digest, extra=random_extra(rng))
    return rng.choice([None, file, Media(rng.choice(["ada", "Ben 2"]), shipped=True, extra=random_extra(rng))])


def random_sound(rng: Random) -> SoundEdit:
    if rng.random() < 0.4:
        return SoundEdit()
    start = rng.uniform(0, 30)
    end = rng.choice([None, start + rng.uniform(0.1, 60)])
    return SoundEdit(start, end, rng.choice([0.0, rng.uniform(0, 9)]), rng.uniform(-60, 40), random_extra(rng))


def random_project(rng: Random) -> Project:
    def view() -> CameraView:
        distance = rng.choice([None, rng.uniform(0.5, 50)])
        return CameraView(
            rng.uniform(-360, 360), rng.uniform(-89, 89), distance, (rng.random(), rng.random(), rng.random())
        )

    colour = (rng.random(), rng.random(), rng.random())
    return Project(
        avatar=random_media(rng),
        audio=random_media(rng),
        sound=random_sound(rng),
        backdrop=random_media(rng),
        fps=rng.choice([24.0, 25.0, 60.0, 30000 / 1001]),
        performance=random_performance(rng),
        in_s=rng.choice([None, rng.uniform(0, 60)]),
        out_s=rng.choice([None, rng.uniform(61, 120)]),
        loop=rng.random() < 0.5,
        markers=tuple(
            Marker(rng.uniform(0, 60), rng.choice(_WORDS), rng.choice(["", "#ff8800"]), random_extra(rng))
            for _ in range(rng.randint(0, 2))
        ),
        look_through=rng.random() < 0.5,
        bookmarks=tuple(Bookmark(rng.choice(_WORDS), view(), random_extra(rng)) for _ in range(rng.randint(0, 2))),
        export=ExportSettings(
            rng.randint(16, 8192),
            rng.randint(16, 8192),
            rng.choice([None, rng.uniform(1, 240)]),
            rng.random() < 0.5,
            rng.choice([None, colour]),
            random_extra(rng),
        ),
        extra=random_extra(rng),
    )


performances = seeds.map(lambda seed: random_performance(Random(seed)))
projects = seeds.map(lambda seed: random_project(Random(seed)))
takes = seeds.map(lambda seed: random_take(Random(seed)))


def lanes(lane_id: str) -> st.SearchStrategy[Lane]:
    return seeds.map(lambda seed: random_lane(Random(seed), lane_id))
