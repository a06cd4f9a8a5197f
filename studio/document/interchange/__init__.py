"""Action units from and for other programs: OpenFace, Live Link Face and ARKit, Audio2Face."""
