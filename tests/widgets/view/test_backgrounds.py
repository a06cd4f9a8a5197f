from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.document.model import Media
from studio.document.project import load_project, save_project
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Backdrop, background_of
from studio.engine.renderer import Renderer
from tests.widgets.conftest import Studio
from tests.widgets.view.test_aids import aids, shown, trigger


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[..., 1] = 180
    Image.fromarray(pixels).save(tmp_path / "garden.png")
    return tmp_path / "garden.png"


def test_a_colour_is_chosen_and_undone(studio: Studio) -> None:
    before = studio.session.project
    studio.answers.to_colour = (0.2, 0.4, 0.6)
    trigger(studio, "background.colour")
    after = studio.session.project
    assert studio.answers.asked == ["Background colour"]
    assert after == replace(before, export=replace(before.export, background=(0.2, 0.4, 0.6)))
    assert studio.renderer.behind == (0.2, 0.4, 0.6)
    studio.session.undo()
    shown(studio)
    assert studio.session.project == before
    assert studio.renderer.behind == before.export.background
    studio.session.redo()
    assert studio.session.project == after


def test_thinking_better_of_a_colour_changes_nothing(studio: Studio) -> None:
    before = studio.session.project
    trigger(studio, "background.colour")
    assert studio.session.project == before
    assert studio.session.history.position == 0
    assert studio.renderer.behind == before.export.background


def test_transparency_shows_a_checkerboard(studio: Studio) -> None:
    trigger(studio, "background.transparent")
    assert studio.session.project.export.background is None
    assert studio.renderer.behind is None
    presented = studio.window.viewport.presenter.picture
    assert presented is not None
    assert presented.transparent
    presented.pixels[...] = 0
    image = studio.window.viewport.presenter.grab().toImage()
    assert len({image.pixelColor(x, 150).red() for x in range(100, 160)}) == 2


def test_an_image_stands_behind_the_head_and_is_undone(studio: Studio, picture: Path) -> None:
    before = studio.session.project
    studio.answers.to_open = picture
    trigger(studio, "background.image")
    studio.until(lambda: studio.session.project.backdrop is not None)
    shown(studio)
    after = studio.session.project
    assert after.backdrop == Media.file(picture)
    behind = studio.renderer.behind
    assert isinstance(behind, Backdrop)
    assert behind.pixels.shape == (20, 30, 3)
    assert behind.aspect == aids(studio).staging.frame_aspect
    studio.session.undo()
    shown(studio)
    assert studio.session.project == before
    assert studio.renderer.behind == before.export.background
    studio.session.redo()
    shown(studio)
    assert studio.session.project == after
    studio.until(lambda: isinstance(shown(studio) and studio.renderer.behind, Backdrop))


def test_the_image_is_kept_with_the_project_by_relative_path(studio: Studio, picture: Path, tmp_path: Path) -> None:
    studio.answers.to_open = picture
    trigger(studio, "background.image")
    studio.until(lambda: studio.session.project.backdrop is not None)
    folder = tmp_path / "work"
    folder.mkdir()
    save_project(studio.session.project, folder / "scene.emozone")
    assert '"../garden.png"' in (folder / "scene.emozone").read_text()
    assert load_project(folder / "scene.emozone").backdrop == studio.session.project.backdrop
    studio.session.new()
    shown(studio)
    studio.session.open_project(folder / "scene.emozone")
    studio.until(lambda: isinstance(shown(studio) and studio.renderer.behind, Backdrop))


def test_a_colour_takes_the_images_place(studio: Studio, picture: Path) -> None:
    studio.answers.to_open = picture
    trigger(studio, "background.image")
    studio.until(lambda: studio.session.project.backdrop is not None)
    aids(studio).backgrounds.set_colour((1.0, 1.0, 1.0))
    shown(studio)
    assert studio.session.project.backdrop is None
    assert studio.renderer.behind == (1.0, 1.0, 1.0)


def test_an_image_is_dropped_onto_the_window(studio: Studio, picture: Path) -> None:
    studio.window.files.open(picture)
    studio.until(lambda: studio.session.project.backdrop is not None)
    assert studio.session.history.undo_label == "Background garden.png"


def test_the_menu_ticks_what_is_in_use(studio: Studio, picture: Path) -> None:
    menu = aids(studio).menus["Background"]

    def ticked() -> list[str]:
        menu.aboutToShow.emit()
        return [action.text() for action in menu.actions() if action.isChecked()]

    assert ticked() == ["Night"]
    aids(studio).backgrounds.set_colour((0.3, 0.1, 0.2))
    assert ticked() == ["Colour…"]
    trigger(studio, "background.transparent")
    assert ticked() == ["Transparent"]
    studio.window.files.open(picture)
    studio.until(lambda: studio.session.project.backdrop is not None)
    assert ticked() == ["Image…"]


def test_what_is_no_image_is_told_and_changes_nothing(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no image")
    before = studio.session.project
    studio.answers.to_open = tmp_path / "notes.png"
    trigger(studio, "background.image")
    studio.until(lambda: bool(studio.answers.errors))
    assert "notes.png" in studio.answers.errors[0]
    assert studio.session.project is before


def test_a_missing_image_is_told_and_the_colour_shows(studio: Studio, tmp_path: Path) -> None:
    studio.session.history.reset(studio.session.project.replace(backdrop=Media(str(tmp_path / "gone.png"))))
    studio.until(lambda: any("gone.png" in text for text in studio.answers.errors))
    shown(studio)
    assert studio.renderer.behind == studio.session.project.export.background


def test_viewport_and_export_draw_the_same_pixels(studio: Studio, picture: Path, avatar: Avatar) -> None:
    """At the same size: an image behind, a keyed camera before."""
    aids(studio).cameras.key()
    studio.window.files.open(picture)
    studio.until(lambda: studio.session.project.backdrop is not None)
    studio.until(lambda: isinstance(aids(studio).staging.stage().background, Backdrop))
    trigger(studio, "guides.safe")
    project, stage, renderer = studio.session.project, aids(studio).staging.stage(), Renderer(avatar, backend="cpu")
    export = project.export
    size = (export.width_px // 4, export.height_px // 4)
    controls = stage.scene.controls(0.4)
    assert stage.camera is not None
    view = project.camera(0.4)
    assert view is not None
    seen = renderer.frame(controls, stage.camera(0.4, *size), background=stage.background)
    written = renderer.frame(controls, avatar.subject.camera(view, *size), background=background_of(project))
    assert np.array_equal(seen.rgba, written.rgba)
    assert len(np.unique(seen.rgba[..., 0])) > 10
