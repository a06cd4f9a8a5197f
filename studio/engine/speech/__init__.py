"""Speech: any sound file in, articulation over time out."""
