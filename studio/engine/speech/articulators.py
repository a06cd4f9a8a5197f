"""Articulation: the small set of mouth movements that speech is made of.

The performer's mouth, the speech encoder's targets and the avatar's audio token all use these channels. Each is
0 at rest and 1 at the strongest movement that ordinary, clear speech makes.
"""

from __future__ import annotations

ARTICULATORS: tuple[str, ...] = (
    "jaw_open",  # mandible rotation; 1 = stressed "ah"
    "lips_part",  # lips drawn apart at a given jaw, teeth seen; 1 = stressed "eh", "s" has about 0.5
    "lips_close",  # both lips pressed together whatever the jaw does; 1 = p, b, m
    "lips_round",  # small protruded opening; 1 = "oo", w
    "lips_funnel",  # large protruded opening; 1 = "aw", sh has about 0.6
    "lips_spread",  # corners drawn back; 1 = "ee"
    "lip_tuck",  # lower lip to the upper teeth; 1 = f, v
    "tongue_up",  # tongue tip to the ridge; 1 = t, d, n, l
    "tongue_out",  # tongue tip between the teeth; 1 = th
    "voice",  # loudness of the speech, 0 silence, 1 loud; moves nothing by itself
)
"""Channel order of every articulator array."""

N_ARTICULATORS = len(ARTICULATORS)

LIP_LEAD_S = 0.09
"""Seconds by which lips lead the sound; measured on real speakers, best lag 80–100 ms."""
