"""Playback: the audio clock, the audio device, the transport and the engine thread. No Qt."""
