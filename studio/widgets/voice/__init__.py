"""The voice: recording it, and trimming and levelling the sound of the project."""
