"""EmoZone Studio: an editor for audio-driven 3D Gaussian talking heads."""

__version__ = "0.1.0"
