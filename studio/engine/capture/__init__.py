"""From a portrait video to a capture: faces, camera, pose, matte, action units and a verdict. An extra: `portrait`."""
