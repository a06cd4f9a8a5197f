"""JSON tree → Project: nothing in the tree is trusted.

Any key may be missing and then has its default; keys that this version does not know are carried along as `extra`.
Everything wrong raises one `StudioError` that names the file, the place and what was expected.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import cast

import numpy as np
from numpy.typing import NDArray

from studio.document.curves import Curve, Handle, Interpolation
from studio.document.encoding import FORMAT, VERSION
from studio.document.expressions import Clip, Expressions, Preset
from studio.document.fields import TIME_LIMIT_S, Fields
from studio.document.jsontext import Json
from studio.document.lanes import Lane, Mode
from studio.document.model import Bookmark, ExportSettings, Marker, Media, Project, SoundEdit
from studio.document.performance import CameraView, Performance
from studio.document.takes import N_AU, N_POSE, Base, Blinks, Take
from studio.errors import StudioError

MAX_LANES = 4096
MAX_KEYS = 2_000_000
MAX_FRAMES = 2_000_000
MAX_ITEMS = 100_000
_VALUE_LIMIT = 1e9

_INTERPOLATIONS: dict[Json, Interpolation] = {kind.name.lower(): kind for kind in Interpolation}
_HANDLES: dict[Json, Handle] = {kind.name.lower(): kind for kind in Handle}


def decode(tree: Json, file: str, folder: Path | None) -> Project:
    """The project in a tree of the current version (see `migrations` for older ones).

    Args:
        tree: What `jsontext.parse` returned.
        file: Name of the file for errors.
        folder: The project's folder, against which media paths are resolved; None for a journal of this machine.

    Raises:
        StudioError: Anything wrong in the tree.
    """
    root = Fields(tree, file)
    root.skip("format", "version", "generator")
    version = format_version(tree, file)
    try:
        project = root.make(lambda fields: _project(fields, folder))
    except StudioError as error:
        if version <= VERSION:
            raise
        raise StudioError(
            f"{file} was written by a newer studio (format {version}, this one knows {VERSION}) and cannot be shown; "
            "update the studio."
        ) from error
    if version > VERSION:
        reason = f"it was written by a newer studio (format {version}, this one knows {VERSION})"
        return project.replace(read_only=reason)
    return project


def format_version(tree: Json, file: str) -> int:
    """The format version that a tree claims. Raises StudioError for anything that is no project."""
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise StudioError(f"{file} is no project of the studio; open a file that the studio has saved.")
    return Fields(tree, file).integer("version", 0, 1, 10**6)


def _project(fields: Fields, folder: Path | None) -> Project:
    span = fields.child("range")
    performance = fields.child("performance")
    export, sound = fields.child("export"), fields.child("sound")
    if span is not None:
        in_s, out_s = (span.optional_number(key, -TIME_LIMIT_S, TIME_LIMIT_S) for key in ("in_s", "out_s"))
    else:
        in_s = out_s = None
    avatar, audio, backdrop = (fields.child(key) for key in ("avatar", "audio", "backdrop"))
    return Project(
        avatar=None if avatar is None else _media(avatar, folder),
        audio=None if audio is None else _media(audio, folder),
        sound=SoundEdit() if sound is None else sound.make(_sound),
        backdrop=None if backdrop is None else _media(backdrop, folder),
        fps=fields.number("fps", 25.0, 1, 240),
        performance=Performance() if performance is None else performance.make(_performance),
        in_s=in_s,
        out_s=out_s,
        loop=span is not None and span.boolean("loop"),
        markers=tuple(item.make(_marker) for item in fields.children("markers", MAX_ITEMS)),
        bookmarks=tuple(item.make(_bookmark) for item in fields.children("bookmarks", MAX_LANES)),
        look_through=fields.boolean("look_through", True),
        export=ExportSettings() if export is None else export.make(_export),
        extra=fields.extra(),
    )


def _media(fields: Fields, folder: Path | None) -> Media:
    if "name" in fields:
        name = fields.text("name")
        if not name or name in (".", "..") or any(c in "/\\:\0" for c in name):
            fields.refuse("name", "the name of a shipped avatar")
        return Media(name, shipped=True, extra=fields.extra())
    path = fields.text("path")
    if not path or any(ord(c) < 32 for c in path):
        fields.refuse("path", "a path")
    sha256 = fields.text("sha256", "") or None
    if sha256 is not None and (len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef")):
        fields.refuse("sha256", "64 hexadecimal digits")
    if folder is None:
        return Media(path, sha256, trusted=fields.boolean("trusted", True), extra=fields.extra())
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.drive or windows.root:
        return Media(path, sha256, trusted=False, extra=fields.extra())
    return Media(os.path.normpath(folder.absolute() / path), sha256, extra=fields.extra())


def _sound(fields: Fields) -> SoundEdit:
    return SoundEdit(
        fields.number("in_s", 0.0, 0, TIME_LIMIT_S),
        fields.optional_number("out_s", 0, TIME_LIMIT_S),
        fields.number("start_s", 0.0, 0, TIME_LIMIT_S),
        fields.number("gain_db", 0.0, SoundEdit.MIN_GAIN_DB, SoundEdit.MAX_GAIN_DB),
        fields.extra(),
    )


def _marker(fields: Fields) -> Marker:
    return Marker(fields.time("time_s", 0.0), fields.text("name", ""), fields.text("colour", ""), fields.extra())


def _bookmark(fields: Fields) -> Bookmark:
    offset = fields.numbers("offset_m", 3, (0.0, 0.0, 0.0))
    view = CameraView(
        fields.number("yaw_deg", 0.0, -1e6, 1e6),
        fields.number("pitch_deg", 0.0, -90, 90),
        fields.optional_number("distance", 0.01, 1000),
        (offset[0], offset[1], offset[2]),
    )
    return Bookmark(fields.text("name", ""), view, fields.extra())


def _export(fields: Fields) -> ExportSettings:
    default = ExportSettings()
    size = fields.numbers("size_px", 2, (default.width_px, default.height_px))
    background = fields.numbers("background", 3, ())
    if "background" not in fields.keys:
        background = default.background or ()
    return ExportSettings(
        int(min(max(size[0], 0), 1e6)),
        int(min(max(size[1], 0), 1e6)),
        fields.optional_number("fps", 1, 240),
        fields.boolean("only_range", default.only_range),
        (background[0], background[1], background[2]) if background else None,
        fields.extra(),
    )


def _performance(fields: Fields) -> Performance:
    base, expressions = fields.child("base"), fields.child("expressions")
    lanes = tuple(item.make(_lane) for item in fields.children("lanes", MAX_LANES))
    if sum(len(lane.curve) for lane in lanes) > MAX_KEYS:
        fields.refuse("lanes", f"at most {MAX_KEYS} keys in all")
    return Performance(
        base=Base() if base is None else base.make(_base),
        expressions=Expressions() if expressions is None else expressions.make(_expressions),
        lanes=lanes,
        presets=tuple(item.make(_preset) for item in fields.children("presets", MAX_LANES)),
        extra=fields.extra(),
    )


def _base(fields: Fields) -> Base:
    take, blinks = fields.child("take"), fields.child("blinks")
    return Base(
        None if take is None else take.make(_take),
        fields.time("start_s", 0.0),
        None if blinks is None else blinks.make(_blinks),
        fields.boolean("mute"),
        fields.boolean("solo"),
        fields.number("weight", 1.0, 0, 1),
        fields.extra(),
    )


def _blinks(fields: Fields) -> Blinks:
    return Blinks(
        fields.number("per_minute", 14.0, 1, 60),
        fields.integer("seed", 0, 0, 2**32 - 1),
        fields.number("intensity", 5.0, 0, 5),
        fields.extra(),
    )


def _take(fields: Fields) -> Take:
    au = _rows(fields, "au", N_AU)
    pose = _rows(fields, "pose", N_POSE) if "pose" in fields else None
    fields.skip("pose")
    return Take(fields.text("name", ""), fields.number("fps", 25.0, 1, 1000), au, pose, fields.extra())


def _rows(fields: Fields, key: str, width: int) -> NDArray[np.float32]:
    rows = fields.items(key, MAX_FRAMES)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or not all(_is_number(item) for item in row):
            fields.refuse(f"{key}[{i}]", f"{width} numbers")
    return np.array(rows, np.float32).reshape(-1, width)


def _expressions(fields: Fields) -> Expressions:
    return Expressions(
        tuple(item.make(_clip) for item in fields.children("clips", MAX_LANES)),
        fields.boolean("mute"),
        fields.boolean("solo"),
        fields.number("weight", 1.0, 0, 1),
        fields.extra(),
    )


def _clip(fields: Fields) -> Clip:
    return Clip(
        fields.text("preset"),
        fields.time("start_s", 0.0),
        fields.time("end_s", 1.0),
        fields.number("intensity", 1.0, 0, Clip.MAX_INTENSITY),
        fields.number("fade_in_s", 0.3, 0, TIME_LIMIT_S),
        fields.number("fade_out_s", 0.3, 0, TIME_LIMIT_S),
        fields.extra(),
    )


def _preset(fields: Fields) -> Preset:
    au = fields.child("au")
    pairs = () if au is None else tuple((key, au.number(key, 0.0, 0, 5)) for key in au.keys)
    return Preset(fields.text("name"), pairs, fields.extra())


def _lane(fields: Fields) -> Lane:
    return Lane(
        target=fields.text("target"),
        curve=_curve(fields, "keys"),
        held=fields.optional_number("held", -_VALUE_LIMIT, _VALUE_LIMIT),
        mode=cast(Mode, fields.choice("mode", ("replace", "add"), "replace")),
        mute=fields.boolean("mute"),
        solo=fields.boolean("solo"),
        weight=fields.number("weight", 1.0, 0, 1),
        name=fields.text("name", ""),
        extra=fields.extra(),
    )


def _curve(fields: Fields, key: str) -> Curve:
    rows = fields.items(key, MAX_KEYS)
    n = len(rows)
    points, handles = np.zeros((n, 2)), np.zeros((n, 4))
    kinds = np.zeros((n, 2), np.uint8)
    kinds[:, 0] = Interpolation.BEZIER
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) not in (2, 3, 5) or not all(_is_number(item) for item in row[:2]):
            fields.refuse(f"{key}[{i}]", "a key: [time, value, interpolation, handle kind, [4 handle numbers]]")
        points[i] = cast(list[float], row[:2])
        if len(row) > 2:
            kinds[i, 0] = _code(fields, f"{key}[{i}]", _INTERPOLATIONS, row[2])
        if len(row) > 3:
            kinds[i, 1] = _code(fields, f"{key}[{i}]", _HANDLES, row[3])
            offsets = row[4]
            if not isinstance(offsets, list) or len(offsets) != 4 or not all(_is_number(item) for item in offsets):
                fields.refuse(f"{key}[{i}]", "four handle numbers")
            handles[i] = cast(list[float], offsets)
    if n and np.abs(points[:, 0]).max() > TIME_LIMIT_S:
        fields.refuse(key, f"times within {TIME_LIMIT_S:g} s")
    return Curve(points[:, 0], points[:, 1], kinds[:, 0], kinds[:, 1], handles[:, :2], handles[:, 2:])


def _code(fields: Fields, where: str, names: dict[Json, Interpolation] | dict[Json, Handle], name: Json) -> int:
    if not isinstance(name, str) or name not in names:
        fields.refuse(where, "one of " + ", ".join(str(known) for known in names))
    return int(names[name])


def _is_number(value: Json) -> bool:
    kind = type(value)
    return (kind is float or kind is int) and -_VALUE_LIMIT <= cast(float, value) <= _VALUE_LIMIT
