"""The timeline: ruler, waveform, phonemes and lanes of keys under one playhead.

- `view`, `rows`, `state`: where moments, lanes and keys lie on the screen; free of Qt.
- `edits`, `snapping`: what a gesture does to the project and where it catches; free of Qt.
- `painting`, `strips`: how it looks; only what is visible is drawn, and there is no object per key.
- `drags`, `canvas`: mouse and keyboard; `editor`: actions on the selection; `slider_keys`: sliders that write keys.
- `toolbar`, `amount`, `timeline`: the widget that the window holds.
"""
