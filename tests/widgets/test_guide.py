"""The guide is true: its keys, menus and pictures exist."""

from __future__ import annotations

import re

from studio.engine.assets import docs_dir
from studio.widgets.actions import ACTIONS
from studio.widgets.shortcuts import places

GUIDE = docs_dir() / "guide.md"
MAX_BYTES = 250_000


def test_every_key_in_the_guide_does_something() -> None:
    keys = {key for spec in ACTIONS for key in spec.keys}
    written = [word for word in re.findall(r"`([^`]+)`", GUIDE.read_text()) if not word.startswith((".", "emozone"))]
    assert written
    assert [word for word in written if word not in keys] == []


def test_every_menu_in_the_guide_exists() -> None:
    where = places()
    known = set(where.values()) | {f"{where[spec.id]} › {spec.text.rstrip('…')}" for spec in ACTIONS}
    text = GUIDE.read_text().replace("\n", " ")
    written = re.findall(r"\*\*((?:File|Edit|View|Playback|Help) › [^*]+)\*\*", text)
    assert len(written) > 8
    assert [path for path in written if path not in known] == []


def test_pictures_of_the_guide_are_there_and_small() -> None:
    names = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", GUIDE.read_text())
    assert names
    for name in names:
        path = docs_dir() / name
        assert path.is_file(), name
        assert path.stat().st_size < MAX_BYTES
    shown = re.findall(r"images/([\w.-]+)", "".join(page.read_text() for page in docs_dir().glob("*.md")))
    assert {path.name for path in (docs_dir() / "images").glob("*")} == set(shown), "pictures that no page shows"
