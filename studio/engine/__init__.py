"""The engine: Gaussians, deformation, splatting, speech, export. No Qt."""
