"""Recovery: what sessions left that ended before saving, shown and given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from studio.document.journal import Recovery, recoverable
from studio.document.model import Project
from studio.document.project import load_project
from studio.document.summary import differences
from studio.errors import StudioError
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.safety.chooser import Chooser
from studio.widgets.safety.preview import moment

LOOK_AFTER_MS = 600
"""After the window's first moment; looking for recovery data must not delay the first picture."""


@dataclass(frozen=True)
class Offer:
    """A recovery with what is known about it."""

    recovery: Recovery
    project: Project | None  # None where not even its start can be read
    problem: str  # why not, one sentence
    news: tuple[str, ...]  # what differs from the saved file
    saved: str  # the heading of that

    @property
    def when(self) -> str:
        """When it was edited and how often, in one line."""
        edits = self.recovery.edits
        return f"Edited {moment(self.recovery.edited_s)} · {edits:,} unsaved edit{'' if edits == 1 else 's'}"


def offers() -> tuple[Offer, ...]:
    """What can be recovered, newest first; reads files, so call it from a worker."""
    found = []
    for recovery in recoverable():
        if recovery.matches_saved():
            recovery.discard()  # it died just after saving: the file holds everything
        else:
            found.append(examine(recovery))
    return tuple(found)


def examine(recovery: Recovery) -> Offer:
    """A recovery with its project and how that differs from the saved one."""
    try:
        project = recovery.load()
    except StudioError as error:
        return Offer(recovery, None, str(error), (), "")
    if recovery.project_path is None:
        return Offer(recovery, project, "", (), "")
    try:
        saved = load_project(recovery.project_path)
    except StudioError as error:
        return Offer(recovery, project, "", (str(error),), "The saved file")
    return Offer(recovery, project, "", differences(saved, project), f"Not in the saved {recovery.project_path.name}")


class RecoveryDialog(Chooser):
    """Shows what can be recovered; what becomes of it is decided elsewhere."""

    recover_wanted = Signal(object)
    """The `Offer` to go on with."""

    discard_wanted = Signal(object)
    """The `Offer` to throw away."""

    def __init__(self, found: tuple[Offer, ...], parent: QWidget) -> None:
        super().__init__(
            "The studio ended before this was saved",
            "Recovering opens it as it was after the last edit. Nothing is saved over until you save.",
            "Recover",
            "Later",
            parent,
        )
        self.setWindowTitle("Recover unsaved work")
        self.offers = list(found)
        self.list.setAccessibleName("Projects that can be recovered")
        self.leave.setToolTip("Offered again at the next start, and under File › Recover")
        self.discard = QPushButton("Discard…")
        self.discard.setAutoDefault(False)
        self.row.insertWidget(0, self.discard)
        self.list.currentRowChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(self._recover)
        self.primary.clicked.connect(self._recover)
        self.discard.clicked.connect(self._discard)
        self._fill()

    @property
    def chosen(self) -> Offer | None:
        """What is selected in the list."""
        row = self.list.currentRow()
        return self.offers[row] if 0 <= row < len(self.offers) else None

    def remove(self, offer: Offer) -> None:
        """It is gone; the dialog closes with the last one."""
        self.offers.remove(offer)
        self._fill()
        if not self.offers:
            self.accept()

    def _fill(self) -> None:
        rows = []
        for offer in self.offers:
            path = offer.recovery.project_path
            rows.append(
                (
                    f"{offer.recovery.name}\n{moment(offer.recovery.edited_s)}",
                    "Never saved" if path is None else str(path),
                )
            )
        self.set_rows(rows)

    def _show(self) -> None:
        offer = self.chosen
        if offer is None:
            return
        damage = offer.recovery.damage
        self.preview.show_project(
            offer.recovery.name,
            offer.when,
            offer.project,
            (
                ("It cannot be read", (offer.problem,) if offer.problem else ()),
                ("Damaged", (f"The journal ends early ({damage}); what came before is whole.",) if damage else ()),
                (offer.saved, offer.news),
                ("Last edits", offer.recovery.labels[::-1][:6]),
            ),
        )
        self.primary.setEnabled(offer.project is not None)

    def _recover(self) -> None:
        if self.chosen is not None and self.chosen.project is not None:
            self.recover_wanted.emit(self.chosen)

    def _discard(self) -> None:
        if self.chosen is not None:
            self.discard_wanted.emit(self.chosen)


class RecoveryPart(QObject):
    """Looks for unsaved work after the start, and when asked.

    Attributes:
        dialog: the newest dialog, None before the first.
    """

    def __init__(self, studio: Studio, find: Callable[[], tuple[Offer, ...]] = offers) -> None:
        super().__init__(studio.window)
        self._studio, self._find = studio, find
        self._worker = Worker("recovery", self)
        self.dialog: RecoveryDialog | None = None
        studio.actions.connect({"project.recover": partial(self.look, asked=True)})
        self._start = QTimer(self)
        self._start.setSingleShot(True)
        self._start.timeout.connect(self.look)
        self._start.start(LOOK_AFTER_MS)

    def look(self, *, asked: bool = False) -> None:
        """Search in the background and show what was found; `asked` says so when there is nothing."""
        self._worker.run(self._find, partial(self._show, asked=asked), self._studio.fail)

    def close(self) -> None:
        """End the search."""
        self._start.stop()
        self._worker.close()

    def _show(self, found: tuple[Offer, ...], *, asked: bool) -> None:
        if not found:
            if asked:
                self._studio.say("There is nothing to recover: every session ended with its work saved or given up.")
            return
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.raise_()
            return
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = RecoveryDialog(found, self._studio.window)
        self.dialog.recover_wanted.connect(self._recover)
        self.dialog.discard_wanted.connect(self._discard)
        self.dialog.open()

    def _recover(self, offer: Offer) -> None:
        if offer.project is None or self.dialog is None or not self._studio.files.may_leave():
            return
        self.dialog.accept()
        self._studio.session.recover(offer.recovery, offer.project)
        self._studio.banner.tell(
            f"{offer.recovery.name} is as it was {moment(offer.recovery.edited_s)}, but not saved yet."
        )
        self._studio.say(f"Recovered {offer.recovery.name}")

    def _discard(self, offer: Offer) -> None:
        if self.dialog is None:
            return
        edits = offer.recovery.edits
        if self._studio.dialogs.confirm(
            self.dialog,
            f"Discard the unsaved work of {offer.recovery.name}?",
            f"{edits:,} edit{'' if edits == 1 else 's'} cannot be brought back after this.",
            "Discard",
        ):
            offer.recovery.discard()
            self.dialog.remove(offer)
