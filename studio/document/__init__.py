"""The document: what the user edits. No Qt, no torch.

The parts, from values to files:

- `action_units`: the 17 action units, what each does to a face, and the FACS marks.
- `curves`: `Curve` of keys (`Curve.from_keys`, `.with_key`, `.split`, `.without`, `.taken` and `.merged` for copy and
  paste, `.sample`, `.value`, `.at`, `.between`); `curve_tools` work on selected keys and return
  `Edited(curve, selected)`; `curve_fit.simplify` and `curve_from_recording` guarantee their error.
- `takes`, `expressions`, `lanes`: the layers; `performance.Performance` puts them together: `.sample(times_s)`,
  `.pose(time_s)`, `.camera(time_s)`, `.winner(channel, time_s)`, `Performance.held({"AU12": 3.0})`, `.with_held`,
  `.with_curve`, `.with_lane`, `.with_camera_key`. `conversions` goes between takes and lanes.
- `model.Project` is all that is saved; `project.load_project` and `save_project` are its file; `media` checks, finds,
  relinks and collects what it refers to. The format is in `encoding`, `decoding` and `migrations`.
- `commands.History` is the only door through which a project changes: `apply`, `begin` … `update` … `commit`,
  `undo`, `redo`, `go_to`, `select`, `subscribe`, `dirty`.
- `journal.Journal` writes every committed change at once; `journal.recoverable` lists what a crash left.
- `interchange`: OpenFace CSV, Live Link Face and ARKit CSV, Audio2Face JSON.

Everything is immutable but `History` and `Journal`, which belong to one thread; the rest may cross threads freely.
"""
