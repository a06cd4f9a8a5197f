"""The landmarker's 478 points and 52 scores: which index is what. Left and right are the subject's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError

POINTS = 478
"""The mesh's 468 points and, from 468 on, five points of each iris (right, then left), its centre first."""

MESH_POINTS = 468

FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline from the top of the forehead round by the subject's left."""

LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""From the right corner along the lower lip to the left corner and back along the upper lip."""

EYE_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
EYE_LEFT = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""From the outer corner along the lower lid to the inner corner and back along the upper lid."""

IRIS_RIGHT, IRIS_LEFT = 468, 473

RIGID = (
    10, 109, 338, 67, 297, 151, 108, 337, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 327, 97, 326, 129, 358, 48,
    278, 122, 351, 193, 417, 133, 362, 33, 263, 127, 356, 234, 454, 116, 345, 227, 447, 93, 323, 21, 251, 162, 389,
)  # fmt: skip
"""Points that faces hardly move: nose, bridge, corners of the eyes, temples, forehead's middle, cheekbones."""

EXPRESSION_INPUT = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154,
    155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263,
    267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387,
    388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
"""Points that the network of expression scores reads, in its order."""

SCORES = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""Names of the 52 scores in the network's order."""

SCORE_INDEX = {name: i for i, name in enumerate(SCORES)}

_VERTEX = 5
"""Floats of a vertex: x, y, z, u, v."""

_FIXED32 = 5
"""How a protocol buffer marks a number of four bytes, in the lowest three bits of its tag."""


def canonical_face(geometry: bytes) -> NDArray[np.float64]:
    """(468, 3) the landmarker's canonical face, metres, x the subject's left, y up, z out of the face.

    Args:
        geometry: contents of the landmarker's geometry file, a protocol buffer with one tagged float
            after another: x, y, z in centimetres, and two texture coordinates.

    Raises:
        StudioError: the block is not there.
    """
    count = MESH_POINTS * _VERTEX
    data = np.frombuffer(geometry, np.uint8)
    for tag in np.unique(data[data % 8 == _FIXED32]):
        for begin in np.flatnonzero(data == tag):
            block = data[begin : begin + count * 5]
            if len(block) < count * 5:
                break
            rows = block.reshape(count, 5)
            if not (rows[:, 0] == tag).all():
                continue
            values = np.ascontiguousarray(rows[:, 1:]).view("<f4").reshape(-1, _VERTEX)[:, :3].astype(np.float64)
            if np.isfinite(values).all() and 5 < np.ptp(values[:, 1]) < 40:
                return values / 100.0
    raise StudioError("The face landmarker holds no canonical face; fetch the models again.")
