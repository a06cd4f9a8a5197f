"""The History page: what it lists, and going there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QAbstractItemView

from studio.document.commands import History
from studio.document.model import Project
from studio.document.performance import Performance
from studio.widgets.safety.history_page import SAVED_ROLE, STATE_ROLE, TIME_ROLE, HistoryModel, HistoryPage
from tests.widgets.conftest import Studio


def page_of(studio: Studio) -> HistoryPage:
    return next(part for part in studio.window.parts if isinstance(part, HistoryPage))


def held(value: float) -> Project:
    return Project(performance=Performance.held({"AU12": value}))


def labels(model: HistoryModel) -> list[str]:
    return [str(model.data(model.index(i))) for i in range(model.rowCount())]


def states(model: HistoryModel) -> list[str]:
    return [str(model.data(model.index(i), STATE_ROLE)) for i in range(model.rowCount())]


def settle(studio: Studio) -> None:
    """The page follows in the next pass of the event loop."""
    studio.qtbot.wait(1)


def click(view: QAbstractItemView, row: int) -> None:
    index = view.model().index(row, 0)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())


def test_changes_are_listed_and_a_click_goes_there(studio: Studio) -> None:
    studio.key(Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
    page = page_of(studio)
    assert page.list.isVisible()
    settle(studio)
    assert "Each change" in page.hint.text()
    projects = [studio.session.project]
    for value in (1.0, 2.0, 3.0, 4.0):
        studio.session.hold("AU12", value)
        projects.append(studio.session.project)
    assert labels(page.model) == ["As opened", *["Set AU12 Lip corner puller"] * 4]
    click(page.list, 1)
    assert studio.held("AU12") == 1.0
    assert states(page.model) == ["past", "now", "future", "future", "future"]
    settle(studio)
    assert "4 changes, 3 of them undone" in page.hint.text()
    click(page.list, 4)
    assert studio.session.project == projects[4]
    click(page.list, 0)
    assert studio.session.project == projects[0]
    settle(studio)
    assert page.list.currentIndex().row() == 0
    QTest.keyClick(page.list, Qt.Key.Key_Down)
    QTest.keyClick(page.list, Qt.Key.Key_Down)
    assert studio.session.project == projects[0]  # arrows only look
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert studio.session.project == projects[2]
    studio.session.redo()
    settle(studio)
    assert page.list.currentIndex().row() == 3
    studio.session.hold("AU1", 1.0)
    assert labels(page.model)[-1] == "Set AU1 Inner brow raiser"
    assert states(page.model) == ["past", "past", "past", "past", "now"]


def test_a_click_on_the_present_does_nothing(studio: Studio) -> None:
    studio.window.actions_["edit.history"].trigger()
    studio.session.hold("AU12", 1.0)
    before = studio.session.project
    click(page_of(studio).list, 1)
    assert studio.session.project is before


def test_the_saved_state_is_marked(studio: Studio, tmp_path: Path) -> None:
    model = page_of(studio).model
    assert model.data(model.index(0), SAVED_ROLE)
    studio.session.hold("AU12", 1.0)
    studio.answers.to_save = tmp_path / "a.emozone"
    studio.window.files.save()
    assert [model.data(model.index(i), SAVED_ROLE) for i in range(2)] == [False, True]
    studio.session.undo()
    studio.session.hold("AU12", 2.0)
    assert not any(model.data(model.index(i), SAVED_ROLE) for i in range(2))
    assert model.data(model.index(1), TIME_ROLE).count(":") == 2
    studio.session.new()
    assert labels(model) == ["As opened"]


def test_the_model_keeps_qt_rules_through_everything() -> None:
    history = History(held(0))
    model = HistoryModel(history)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for i in range(1, 6):
        history.apply(str(i), held(i / 2))
    history.go_to(2)
    history.apply("other", held(4))
    history.undo()
    history.redo()
    history.mark_saved()
    history.begin("drag").update(held(5))
    history.undo()
    assert labels(model) == ["As opened", "1", "2", "other"]
    history.reset(held(1))
    assert model.rowCount() == 1
    assert tester is not None
    model.close()
    history.apply("unheard", held(2))
    assert model.rowCount() == 1


def test_thousands_of_entries_cost_no_more_than_what_is_seen(studio: Studio, monkeypatch: object) -> None:
    studio.window.actions_["edit.history"].trigger()
    history, page = studio.session.history, page_of(studio)
    projects = [held(i % 50 / 10) for i in range(100)]
    studio.session.history._listeners[:], listeners = (
        [page.model._listen],
        list(studio.session.history._listeners),
    )  # the rest of the window would take its time for each
    for i in range(3000):
        history.apply(str(i), projects[(i + 1) % 100])
    history._listeners[:] = listeners
    heard: list[object] = []
    history.subscribe(heard.append)
    asked: list[int] = []
    real = page.model.data
    page.model.data = lambda index, role=0: (asked.append(index.row()), real(index, role))[1]  # type: ignore[method-assign]
    click(page.list, 5)
    page.list.viewport().grab()
    assert history.position == 5
    assert len(heard) == 1  # one jump, not three thousand steps
    assert len(set(asked)) < 100
    assert page.list.indexAt(QPoint(10, 10)).isValid()
