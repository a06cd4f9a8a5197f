"""Layers: what lies over what in the performance, which one decides, and the expressions to choose from.

- `explain`: one sentence about which layer decides a channel; free of Qt.
- `edits`: switches, weights and order of layers; free of Qt.
- `presets`: menus, chips and questions about expression presets; `clip_panel`: numbers of an expression clip.
- `rows`, `page`: the inspector's page; `part`: connects it all to the window.
"""
