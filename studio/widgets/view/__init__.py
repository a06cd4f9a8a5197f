"""Aids around the viewport: overlays, comparison, ghost, guides, backgrounds and cameras."""
