"""Recent projects: the list, its pictures, and what happens to those that are gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtTest import QTest

from studio.document.model import Project
from studio.document.project import save_project
from studio.widgets.safety.recent import MOST, PICTURE, Recent, RecentList, picture_of
from tests.widgets.conftest import Studio


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))


def recent(studio: Studio) -> Recent:
    return next(part for part in studio.window.parts if isinstance(part, Recent))


def rows(studio: Studio) -> list[QAction]:
    return [action for action in recent(studio).menu.actions() if "–" in action.text()]


def save(studio: Studio, path: Path) -> Path:
    studio.answers.to_save = path
    assert studio.window.files.save_as()
    studio.until(lambda: bool(recent(studio).entries) and recent(studio).entries[0].path == path)
    return path


def test_the_menu_is_off_until_there_is_something(studio: Studio) -> None:
    assert not recent(studio).menu.menuAction().isEnabled()


def test_saved_projects_are_listed_newest_first_with_a_picture_of_what_was_seen(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU1", 5.0)
    studio.settle()
    first = save(studio, tmp_path / "first.emozone")
    save(studio, tmp_path / "second & third.emozone")
    studio.until(lambda: all(entry.picture is not None for entry in recent(studio).entries))
    assert [action.text().split("  –")[0] for action in rows(studio)] == ["second && third", "first"]
    image = QImage(str(picture_of(first)))
    assert image.size() == PICTURE
    assert image.pixelColor(90, 50).red() == studio.red()
    save(studio, first)
    assert [entry.path.stem for entry in recent(studio).entries] == ["first", "second & third"]


def test_a_click_opens_the_project(studio: Studio, tmp_path: Path) -> None:
    path = save(studio, tmp_path / "talk.emozone")
    studio.session.new()
    menu = recent(studio).menu
    menu.popup(studio.window.mapToGlobal(studio.window.rect().center()))
    studio.until(menu.isVisible)
    studio.until(lambda: len(rows(studio)) == 1)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(rows(studio)[0]).center())
    studio.until(lambda: studio.session.path == path)


def test_opening_takes_a_picture_once_the_head_is_there(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    save_project(Project(), path)
    studio.window.files.open(path)
    recent(studio)._picture_timer.setInterval(0)
    recent(studio)._picture_timer.start()
    studio.until(lambda: picture_of(path).is_file())


def test_a_missing_project_is_marked_and_can_be_forgotten(studio: Studio, tmp_path: Path) -> None:
    path = save(studio, tmp_path / "talk.emozone")
    path.unlink()
    recent(studio).refresh()
    studio.until(lambda: recent(studio).entries[0].missing)
    assert "missing" in rows(studio)[0].text()
    rows(studio)[0].trigger()
    assert studio.answers.asked[-1] == "confirm Remove from the list"
    studio.until(lambda: len(recent(studio).entries) == 1)
    studio.answers.to_confirm = True
    rows(studio)[0].trigger()
    studio.until(lambda: recent(studio).entries == ())


def test_clearing_forgets_all_and_leaves_the_files(studio: Studio, tmp_path: Path) -> None:
    path = save(studio, tmp_path / "talk.emozone")
    studio.window.actions_["project.clear_recent"].trigger()
    assert recent(studio).entries == ()
    assert rows(studio) == []
    assert path.exists()


def test_the_list_outlives_the_window_and_stays_short(tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    for i in range(MOST + 5):
        RecentList(settings).use(Path(f"/projects/{i}.emozone"), float(i))
    settings.sync()
    again = RecentList(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    assert len(again.entries()) == MOST
    assert again.entries()[0] == (Path(f"/projects/{MOST + 4}.emozone"), MOST + 4.0)


@pytest.mark.parametrize("value", ["", "{", "[1]", '[["a"]]', '[["a", "b"]]', "null", "7"])
def test_damaged_settings_are_an_empty_list(tmp_path: Path, value: str) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("recent_projects", value)
    assert RecentList(settings).entries() == ()
