"""The window in which an avatar is made of a video: a page after the other. Closing it stops nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Signal
from PySide6.QtGui import QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from studio.engine import makings
from studio.engine.makings import Making
from studio.errors import StudioError
from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.dialogs import VIDEO_FILTER, Dialogs
from studio.widgets.layout import fit
from studio.widgets.making.choose import ChoosePage
from studio.widgets.making.consent_page import ConsentPage
from studio.widgets.making.maker import Maker
from studio.widgets.making.page import Page, StepRow
from studio.widgets.making.report_page import ReportPage
from studio.widgets.making.training_page import FinishedPage, TrainingPage
from studio.widgets.making.working import CapturePage


class MakingWindow(QDialog):
    """Shows the maker's work, and asks for what it needs.

    Attributes:
        choose_page, consent_page, capture_page, report_page, training_page, finished_page: the pages.
    """

    turned = Signal()
    """The window was opened or closed."""

    def __init__(self, maker: Maker, dialogs: Dialogs, settings: QSettings | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("New avatar from video")
        self.setMinimumSize(640, 480)
        self._maker, self._dialogs = maker, dialogs
        self._worker = Worker("find video", self)
        self.choose_page = ChoosePage(settings, self._ask_video)
        self.consent_page = ConsentPage()
        self.capture_page, self.report_page = CapturePage(maker), ReportPage(maker)
        self.training_page, self.finished_page = TrainingPage(maker), FinishedPage()
        self.pages: tuple[Page, ...] = (
            self.choose_page,
            self.consent_page,
            self.capture_page,
            self.report_page,
            self.training_page,
            self.finished_page,
        )
        self.steps = StepRow()
        self._stack = QStackedWidget()
        for page in self.pages:
            self._stack.addWidget(page)
            page.changed.connect(self._show_buttons)
        self._build()
        fit(self, 820, 620)
        maker.changed.connect(self._show_maker)
        maker.progressed.connect(self._show_progress)
        self.choose_page.go_on_wanted.connect(self.take_up)
        self.choose_page.discard_wanted.connect(self._discard_listed)
        self.show_page(self.choose_page)

    def _build(self) -> None:
        self.discard_button, self.pause_button = QPushButton("Discard…"), QPushButton("Pause")
        self.find_button, self.anew_button = QPushButton("Find the video…"), QPushButton("Train anew…")
        self.close_button, self.back_button = QPushButton("Cancel"), QPushButton("Back")
        self.next_button = QPushButton("Continue")
        self.next_button.setObjectName("primary")
        self.next_button.setDefault(True)
        for button, does in (
            (self.discard_button, self._discard),
            (self.pause_button, self._maker.pause),
            (self.find_button, self._find_video),
            (self.anew_button, self._anew),
            (self.close_button, self.close),
            (self.back_button, self.back),
            (self.next_button, self.next),
        ):
            button.setAutoDefault(button is self.next_button)
            button.clicked.connect(partial(self._do, does))
        foot = QFrame()
        row = QHBoxLayout(foot)
        row.setContentsMargins(theme.SPACE * 3, theme.SPACE * 2, theme.SPACE * 3, theme.SPACE * 2)
        row.setSpacing(theme.SPACE)
        for button in (self.discard_button, self.anew_button):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.find_button, self.close_button, self.back_button, self.pause_button, self.next_button):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.steps)
        column.addWidget(self._stack, 1)
        column.addWidget(foot)

    # ---- pages ----

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.pages[self._stack.currentIndex()]

    def show_page(self, page: Page) -> None:
        """Bring a page to the front."""
        changed = self._stack.currentWidget() is not page
        self._stack.setCurrentWidget(page)
        self.steps.show_step(page.step)
        self._show_buttons()
        if changed:
            page.take_focus()

    def open_anew(self) -> None:
        """Show the work in hand, or else the first page with what can be gone on with."""
        if self._maker.making is not None:
            self._show_maker()
        else:
            self.choose_page.clear()
            self.choose_page.check_runtime()
            self.choose_page.show_lists(makings.unfinished())
            self.consent_page.clear()
            self.show_page(self.choose_page)
        self.show()
        self.raise_()
        self.activateWindow()
        self.page.take_focus()

    def take_up(self, making: Making) -> None:
        """Go on with one that is not finished: its work at once, its report to look at."""
        try:
            self._maker.take(making)
            if making.step != "report" and not self._maker.unusable:
                self._maker.go_on()
        except StudioError as error:
            self.page.say_problem(str(error))
        self._show_buttons()

    def next(self) -> None:
        """The primary button."""
        page, maker = self.page, self._maker
        if page is self.choose_page:
            self.choose_page.remember()
            self.show_page(self.consent_page)
        elif page is self.consent_page:
            film, (start_s, end_s) = self.choose_page.film, self.choose_page.part_s()
            if film is not None:
                name = self.choose_page.name.text()
                maker.begin(name, film.footage.path, start_s, end_s, self.consent_page.who)
        elif page is self.report_page:
            maker.train(self.report_page.minutes)
        elif page is self.finished_page:
            self.close()
        else:
            maker.go_on()

    def back(self) -> None:
        """To the page before, or from a video that cannot be used to another."""
        if self.page is self.consent_page:
            self.show_page(self.choose_page)
        elif self.page is self.report_page:
            self._maker.discard()
            self.open_anew()

    def show_finished(self, path: Path, picture: QImage | None) -> None:
        """The avatar is there."""
        self.finished_page.show_avatar(path, picture)
        self.show_page(self.finished_page)

    # ---- what the buttons do ----

    def _do(self, does: object) -> None:
        """A click, whose failure is one sentence on the page."""
        assert callable(does)
        try:
            does()
        except StudioError as error:
            self.page.say_problem(str(error))
            self._show_buttons()

    def _ask_video(self, folder: Path) -> Path | None:
        return self._dialogs.choose_file(self, "Choose a video", VIDEO_FILTER, folder)

    def _discard(self) -> None:
        making = self._maker.making
        if making is not None and self._sure(making):
            self._maker.discard()

    def _discard_listed(self, making: Making) -> None:
        if self._sure(making):
            self._do(partial(makings.remove, making))
            self.choose_page.show_lists(makings.unfinished())

    def _sure(self, making: Making) -> bool:
        done = {"capture": "The capture", "report": "The capture", "training": "The capture and the training"}
        return self._dialogs.confirm(
            self,
            f"Discard the avatar {making.name}?",
            f"{done[making.step]} cannot be brought back; the video itself stays where it is.",
            "Discard",
        )

    def _anew(self) -> None:
        if self._dialogs.confirm(
            self, "Train from the beginning?", "What the training has learned so far is lost.", "Train anew"
        ):
            self._maker.anew()

    def _find_video(self) -> None:
        making = self._maker.making
        path = None if making is None else self._ask_video(making.video.parent)
        if making is None or path is None:
            return

        def found(same: bool) -> None:
            if not same:
                self.page.say_problem(f"{path.name} is another video than the one this was begun with.")
            elif self._maker.making is making:
                self._do(partial(self._maker.found_video, path))

        self._worker.run(lambda: makings.is_its_video(making, path), found, self.page.say_problem)

    # ---- showing ----

    def _show_maker(self) -> None:
        maker = self._maker
        if maker.making is None:
            if self.page in (self.capture_page, self.report_page, self.training_page):
                self.choose_page.clear()
                self.choose_page.show_lists(makings.unfinished())
                self.show_page(self.choose_page)
            return
        if maker.making.step == "capture" and not (maker.unusable and not maker.running):
            self.capture_page.show_maker()
            self.show_page(self.capture_page)
        elif maker.making.step == "training":
            self.training_page.show_maker()
            self.show_page(self.training_page)
        else:
            self.report_page.show_maker()
            self.show_page(self.report_page)

    def _show_progress(self) -> None:
        page = self.page
        if isinstance(page, (CapturePage, TrainingPage)) and self.isVisible():
            page.show_maker()

    def _show_buttons(self) -> None:
        page, maker = self.page, self._maker
        work = page in (self.capture_page, self.training_page)
        report = page is self.report_page
        making = maker.making
        still = work and not maker.running
        lost = still and making is not None and making.step == "capture" and not making.video.is_file()
        failed = still and page is self.training_page and making is not None and bool(making.problem)
        chosen = self.focusWidget()
        self.discard_button.setVisible(work or report)
        self.anew_button.setVisible(failed)
        self.find_button.setVisible(lost)
        self.pause_button.setVisible(work and not still)
        self.pause_button.setEnabled(not maker.stopping)
        self.pause_button.setText("Stopping…" if maker.stopping else "Pause")
        self.close_button.setVisible(page is not self.finished_page)
        self.close_button.setText(
            "Go on in the background" if work and not still else "Later" if work or report else "Cancel"
        )
        self.back_button.setVisible(page is self.consent_page or (report and maker.unusable))
        self.back_button.setText("Another video…" if report else "Back")
        text = "Go on" if still and not lost else page.next_text
        self.next_button.setVisible(bool(text))
        self.next_button.setText(text or "Continue")
        self.next_button.setEnabled(still or page.ready)
        fallen = chosen is not self.discard_button and self.focusWidget() is self.discard_button
        if work and (fallen or (still and self.focusWidget() is page)):
            (self.next_button if still else page).setFocus()  # a button that went leaves the keyboard to “Go on”

    # ---- the window ----

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """It is in front."""
        super().showEvent(event)
        self.turned.emit()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """However it was closed: work goes on, and what stands still is put back among what can be gone on with."""
        super().hideEvent(event)
        if event.spontaneous():
            return  # minimised
        if not self._maker.running and self._maker.making is not None:
            self._maker.release()
        self.turned.emit()

    def close_workers(self) -> None:
        """End what looks at files."""
        self._worker.close()
        self.choose_page.close_worker()
