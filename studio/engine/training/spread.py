"""Colours of a surface where no picture tells them: they go on smoothly from where one does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg
from scipy.spatial import cKDTree

F64 = NDArray[np.float64]

_NEAR = 8
"""Neighbours that a colour goes on to."""

_SURE, _FAINT = 4.0, 2e-3
"""Weight of a given colour beside the differences from all neighbours, where it is sure and where it is not."""


def spread(points: F64, colours: F64, sure: F64) -> F64:
    """Colours (P, 3) continued smoothly over a surface from where they are known to where they are not.

    The least sum of squared differences between neighbours and from the given colours, these weighted by `sure`.

    Args:
        points: (P, 3) metres.
        colours: (P, 3).
        sure: (P,) 0–1.
    """
    count = len(points)
    if count <= _NEAR or not (sure > 0).any():
        return colours
    near = np.asarray(cKDTree(points).query(points, _NEAR + 1)[1])[:, 1:]
    rows = np.repeat(np.arange(count), _NEAR)
    links = sparse.coo_matrix((np.full(count * _NEAR, 0.5 / _NEAR), (rows, near.ravel())), (count, count))
    links = links + links.T
    weight = _SURE * sure + _FAINT  # what nothing sure is joined to keeps its colour
    system = sparse.diags(np.asarray(links.sum(1)).ravel() + weight) - links
    solved = [linalg.cg(system.tocsr(), weight * c, x0=c, rtol=1e-4, maxiter=500)[0] for c in colours.T]
    return np.asarray(np.stack(solved, axis=1))
