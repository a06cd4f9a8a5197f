"""Compiled start of a frame: from windows of controls and a pose to token rows and joint transforms.

A few thousand multiplications, for which a call of a tensor library costs many times the work. The formulas are those
of `au_encoder.py`, `speech_encoder.py`, `Deformer.tokens` and `Rig.transforms`, which the tests compare with these.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from studio.engine.controls import WINDOW, WINDOW_BACK
from studio.engine.splat._jit import kernel

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
ActionUnitWeights = tuple[Floats, Floats, Floats, Floats]
"""Prior (K, 8); inner convolution (K · hidden, 3) and its bias (K · hidden,); outer convolution (K, hidden, 3)."""
SpeechWeights = tuple[Floats, Floats, Floats, Floats, Floats, Floats]
"""Prior (8,); inner convolution (16, F, 3) and bias (16,); outer (16, 3); hidden layer (H, F) and bias (H,)."""
TokenRows = tuple[Floats, Floats, Floats]
"""What is added to the inputs of the hidden units, per head: by hidden units of the speech encoder (H, heads, U), by an
action unit at full intensity (K, heads, U), by a unit of scaled pose (5, heads, U)."""

JOINT_FIELDS = 16
"""Floats per joint: rotation matrix by rows (9), translation in metres (3), quaternion wxyz (4)."""


@kernel()
def _attend(logits: Doubles, values: Doubles) -> float:
    """Softmax-weighted mean of the window's `values`, exact where they are constant."""
    top, total, shift = logits[0], 0.0, 0.0
    for t in range(1, WINDOW):
        top = max(top, logits[t])
    for t in range(WINDOW):
        weight = math.exp(logits[t] - top)
        total += weight
        shift += weight * (values[t] - values[WINDOW_BACK])
    return float(values[WINDOW_BACK] + shift / total)


@kernel()
def refined_intensities(window: Floats, scale: float, weights: ActionUnitWeights, filtered: bool, out: Doubles) -> None:
    """Write (K,) intensities in [0, 1] of a window (8, ≥ K) into `out`; `filtered` False takes the centre frame."""
    prior, inner, inner_bias, outer = weights
    values, logits, hidden = np.empty(WINDOW), np.empty(WINDOW), np.empty(WINDOW)
    filters = outer.shape[1]
    for k in range(out.shape[0]):
        for t in range(WINDOW):
            values[t] = window[t, k] * scale
        if not filtered:
            out[k] = values[WINDOW_BACK]
            continue
        for t in range(WINDOW):
            logits[t] = prior[k, t]
        for f in range(filters):
            row = k * filters + f
            for t in range(WINDOW):
                before, after = values[max(t - 1, 0)], values[min(t + 1, WINDOW - 1)]
                hidden[t] = math.tanh(
                    inner_bias[row] + inner[row, 0] * before + inner[row, 1] * values[t] + inner[row, 2] * after
                )
            for t in range(WINDOW):
                before, after = hidden[max(t - 1, 0)], hidden[min(t + 1, WINDOW - 1)]
                logits[t] += outer[k, f, 0] * before + outer[k, f, 1] * hidden[t] + outer[k, f, 2] * after
        out[k] = _attend(logits, values)


@kernel()
def speech_hidden(window: Floats, weights: SpeechWeights, out: Doubles) -> None:
    """Write the speech encoder's hidden units (H,), relative to silence, for a window (8, F) into `out`."""
    prior, inner, inner_bias, outer, matrix, bias = weights
    features = window.shape[1]
    logits, hidden, values = np.empty(WINDOW), np.empty(WINDOW), np.empty(WINDOW)
    for t in range(WINDOW):
        logits[t] = prior[t]
    for c in range(inner.shape[0]):
        for t in range(WINDOW):
            total = np.float64(inner_bias[c])
            before, after = max(t - 1, 0), min(t + 1, WINDOW - 1)
            for f in range(features):
                total += inner[c, f, 0] * window[before, f] + inner[c, f, 1] * window[t, f]
                total += inner[c, f, 2] * window[after, f]
            hidden[t] = math.tanh(total)
        for t in range(WINDOW):
            before, after = max(t - 1, 0), min(t + 1, WINDOW - 1)
            logits[t] += outer[c, 0] * hidden[before] + outer[c, 1] * hidden[t] + outer[c, 2] * hidden[after]
    pooled = np.empty(features)
    for f in range(features):
        for t in range(WINDOW):
            values[t] = window[t, f]
        pooled[f] = _attend(logits, values)
    for h in range(out.shape[0]):
        total = np.float64(bias[h])
        for f in range(features):
            total += matrix[h, f] * pooled[f]
        out[h] = max(total, 0.0) - max(np.float64(bias[h]), 0.0)


@kernel(fast=True)
def _add(amounts: Doubles, rows: Floats, head: int, out: Floats) -> bool:
    """Add what the amounts (T,) call for from rows (T, heads, U) to `out` (U,); whether any does."""
    said = False
    for t in range(amounts.shape[0]):
        amount = np.float32(amounts[t])
        if amount != 0.0:
            said = True
            for u in range(out.shape[0]):
                out[u] += amount * rows[t, head, u]
    return said


@kernel()
def token_rows(speech: Doubles, intensities: Doubles, pose: Doubles, rows: TokenRows, out: Floats) -> NDArray[np.int32]:
    """Write the rows of the tokens that say something into the first rows of `out`.

    Args:
        speech: (H,) of `speech_hidden`.
        intensities: (K,) in [0, 1].
        pose: (5,) scaled pose.
        rows: what each of these adds.
        out: (heads · tokens, U), head by head; tokens are speech, action units, pose, null.

    Returns:
        (A,) the row of attention that belongs to each row written.
    """
    by_speech, by_unit, by_pose = rows
    heads, width = by_speech.shape[1], by_speech.shape[2]
    tokens = intensities.shape[0] + 3
    active = np.empty(heads * tokens, np.int32)
    count = 0
    for head in range(heads):
        for k in range(-1, intensities.shape[0] + 1):
            said = False
            for u in range(width):
                out[count, u] = np.float32(0.0)
            if k < 0:
                said = _add(speech, by_speech, head, out[count])
            elif k == intensities.shape[0]:
                said = _add(pose, by_pose, head, out[count])
            else:
                said = _add(intensities[k : k + 1], by_unit[k : k + 1], head, out[count])
            if said:
                active[count] = head * tokens + 1 + k
                count += 1
    return active[:count]


@kernel()
def _rotation(yaw_deg: float, pitch_deg: float, roll_deg: float, out: Doubles) -> None:
    """Write the (3, 3) rotation R_y(yaw) · R_x(-pitch) · R_z(-roll)."""
    cy, sy = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cp, sp = math.cos(math.radians(-pitch_deg)), math.sin(math.radians(-pitch_deg))
    cr, sr = math.cos(math.radians(-roll_deg)), math.sin(math.radians(-roll_deg))
    out[0, 0], out[0, 1], out[0, 2] = cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp
    out[1, 0], out[1, 1], out[1, 2] = cp * sr, cp * cr, -sp
    out[2, 0], out[2, 1], out[2, 2] = cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp


@kernel()
def joint_table(pose_deg: Doubles, torso: Doubles, pivots: Doubles, table: Floats) -> None:
    """Write the joints' transforms for a pose, canonical → posed head space.

    Args:
        pose_deg: (6,) yaw, pitch, roll, gaze yaw, gaze pitch, vergence.
        torso: (6,) yaw, pitch, roll about the head's pivot, degrees; shift, metres.
        pivots: (4, 3) metres.
        table: (4, JOINT_FIELDS) written.
    """
    head, gaze, eye, body = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    _rotation(torso[0], torso[1], torso[2], body)
    _rotation(pose_deg[0], pose_deg[1], pose_deg[2], head)
    for joint in range(pivots.shape[0]):
        if joint > 1:
            inward = -1.0 if joint == 2 else 1.0
            _rotation(pose_deg[3] + inward * pose_deg[5], pose_deg[4], 0.0, gaze)
            for a in range(3):
                for b in range(3):
                    eye[a, b] = head[a, 0] * gaze[0, b] + head[a, 1] * gaze[1, b] + head[a, 2] * gaze[2, b]
        turn = body if joint == 0 else (head if joint == 1 else eye)
        w = math.sqrt(max(1.0 + turn[0, 0] + turn[1, 1] + turn[2, 2], 1e-12)) / 2.0
        table[joint, 12] = np.float32(w)
        table[joint, 13] = np.float32((turn[2, 1] - turn[1, 2]) / (4.0 * w))
        table[joint, 14] = np.float32((turn[0, 2] - turn[2, 0]) / (4.0 * w))
        table[joint, 15] = np.float32((turn[1, 0] - turn[0, 1]) / (4.0 * w))
        for a in range(3):
            shift = pivots[1, a]
            for b in range(3):
                table[joint, 3 * a + b] = np.float32(turn[a, b])
                if joint == 0:  # about the head's pivot too
                    shift -= body[a, b] * pivots[1, b]
                    continue
                # An eye turns about its own pivot, and goes with the head about the head's.
                shift += head[a, b] * (pivots[joint, b] - pivots[1, b]) - turn[a, b] * pivots[joint, b]
            if joint == 0:
                shift += torso[3 + a]
            table[joint, 9 + a] = np.float32(shift)
