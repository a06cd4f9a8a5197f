"""Measures of an avatar against a capture, one concern per module; `studio.engine.evaluate` puts them together."""
