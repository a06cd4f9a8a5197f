"""Deformation: from speech, action units and head pose to the motion of every Gaussian."""

from studio.engine.deform.deformer import Deformer, DeformerConfig, Deltas
from studio.engine.deform.prepared import PreparedDeformer

__all__ = ["Deformer", "DeformerConfig", "Deltas", "PreparedDeformer"]
