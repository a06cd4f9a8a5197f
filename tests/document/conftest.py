"""Hypothesis for the document's tests: no time limit per example, because a busy machine is no failure."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("document", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("document")
