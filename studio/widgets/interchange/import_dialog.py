"""The import dialog: what a take holds, what did not map, and where it shall go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QGridLayout,
    QListWidget,
    QRadioButton,
    QWidget,
)

from studio.document.interchange.detect import TITLES, TakeKind
from studio.document.interchange.tables import Imported
from studio.document.lanes import LANE_TOLERANCE
from studio.document.model import Project
from studio.document.performance import Performance
from studio.document.takes import Base, Take
from studio.widgets import theme
from studio.widgets.layout import fit
from studio.widgets.pieces import answers, dialog_column, in_row, label
from studio.widgets.safety.preview import Traces


@dataclass(frozen=True)
class ImportWish:
    """Where a take shall go."""

    as_keys: bool
    start_s: float
    tolerance: float  # of intensity, where keys are made


def with_take(project: Project, take: Take, wish: ImportWish) -> Project:
    """The project with a take in it, below everything as the base, or as keys (slow) in the lanes of its channels."""
    performance = project.performance
    if not wish.as_keys:
        return project.replace(
            performance=replace(performance, base=replace(performance.base, take=take, start_s=wish.start_s))
        )
    from studio.document.conversions import lanes_of

    for lane in lanes_of(take, wish.start_s, wish.tolerance):
        performance = performance.with_curve(lane.id, lane.curve)
    return project.replace(performance=performance)


class ImportDialog(QDialog):
    """Asks where a take shall go; `wish` is the answer.

    Args:
        path: the file.
        kind: what it is.
        imported: what was read from it.
        playhead_s: where the playhead stands.
        parent: the window.
    """

    def __init__(self, path: Path, kind: TakeKind, imported: Imported, playhead_s: float, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModal(True)
        self.setWindowTitle("Import")
        self.imported = imported
        self._playhead_s = playhead_s
        take = imported.take
        pose = ", with head and gaze" if take.pose is not None else ""
        about = f"{TITLES[kind]}: {take.duration_s:.1f} s, {take.frames:,} frames at {take.fps:.6g} per second{pose}"
        traces = Traces()
        traces.show_project(Project(performance=Performance(base=Base(take))))
        heading = "What did not map" if imported.warnings else "Everything in the file has its place here."
        self.report = QListWidget()
        self.report.setAccessibleName("What did not map")
        self.report.setWordWrap(True)
        self.report.addItems(list(imported.warnings))
        self.report.setVisible(bool(imported.warnings))
        row, self.primary, self.leave = answers(self, "Import", "Cancel")
        self.primary.clicked.connect(self.accept)
        column = dialog_column(self)
        column.addWidget(label(path.name, size=theme.TYPE.title))
        column.addWidget(label(about, "hint"))
        column.addWidget(traces)
        column.addLayout(self._choices(playhead_s))
        column.addWidget(label(heading, bold=True))
        column.addWidget(self.report, 1)
        if not imported.warnings:
            column.addStretch(1)
        column.addLayout(row)
        fit(self, 600, 540 if imported.warnings else 380)

    def _choices(self, playhead_s: float) -> QGridLayout:
        self.as_base = QRadioButton("As the base take")
        self.as_keys = QRadioButton("As keys")
        self.as_base.setChecked(True)
        group = QButtonGroup(self)
        group.addButton(self.as_base)
        group.addButton(self.as_keys)
        self.tolerance = QDoubleSpinBox()
        self.tolerance.setRange(0.0, 1.0)
        self.tolerance.setSingleStep(0.05)
        self.tolerance.setDecimals(2)
        self.tolerance.setValue(LANE_TOLERANCE)
        self.tolerance.setEnabled(False)
        self.tolerance.setAccessibleName("Tolerance of the keys")
        theme.pad(self.tolerance)
        self.as_keys.toggled.connect(self.tolerance.setEnabled)
        self.at_playhead = QCheckBox(f"Starts at the playhead ({playhead_s:.2f} s), not at the beginning")
        self.at_playhead.setEnabled(playhead_s > 0)
        choices = QGridLayout()
        choices.setHorizontalSpacing(theme.SPACE * 2)
        choices.setVerticalSpacing(theme.SPACE // 2)
        choices.setColumnStretch(1, 1)
        choices.addWidget(self.as_base, 0, 0)
        choices.addWidget(label("Lies below expressions and keys; replaces the take before.", "hint"), 0, 1)
        choices.addWidget(self.as_keys, 1, 0)
        choices.addWidget(label("Simplified curves to edit; replaces the keys of the same channels.", "hint"), 1, 1)
        meaning = label("largest difference from the take, of intensities 0 to 5", "hint")
        choices.addLayout(in_row((self.tolerance, meaning), stretch=1), 2, 1)
        choices.addWidget(self.at_playhead, 3, 0, 1, 2)
        return choices

    @property
    def wish(self) -> ImportWish:
        """What the fields say."""
        start_s = self._playhead_s if self.at_playhead.isChecked() else 0.0
        return ImportWish(self.as_keys.isChecked(), start_s, self.tolerance.value())
