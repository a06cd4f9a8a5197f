"""Splatting: Gaussians and a camera in, a picture out. Backends share the `Rasterizer` protocol."""
