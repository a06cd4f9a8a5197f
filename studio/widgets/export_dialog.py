"""The export dialog: what to write where, then progress with the time left, and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.bridge import Worker

if TYPE_CHECKING:
    from studio.engine.export import ExportProgress, ExportReport

SIZES: tuple[tuple[str, int, int], ...] = (
    ("512 × 512", 512, 512),
    ("1024 × 1024", 1024, 1024),
    ("1280 × 720  (HD)", 1280, 720),
    ("1920 × 1080  (Full HD)", 1920, 1080),
    ("1080 × 1920  (portrait)", 1080, 1920),
)
CUSTOM = "Other size"

RATES: tuple[float, ...] = (24, 25, 29.97, 30, 50, 60)


@dataclass(frozen=True)
class ExportWish:
    """What the user asked for."""

    path: Path
    width: int
    height: int
    fps: float
    start_s: float
    end_s: float


@dataclass(frozen=True)
class ExportOffer:
    """What the dialog starts from."""

    path: Path
    width: int
    height: int
    fps: float
    duration_s: float
    range_s: tuple[float, float] | None


Progress = Callable[["ExportProgress"], None]
ExportJob = Callable[[ExportWish, Progress, Callable[[], bool]], "ExportReport"]
"""Runs in a worker thread; raises StudioError, also when cancelled."""


class ExportDialog(QDialog):
    """Asks, exports in a worker thread, and shows how far it is. Editing goes on meanwhile.

    Args:
        offer: the fields' first values.
        job: the export itself.
        choose_path: asks for a file; replaced in tests.
    """

    finished_export = Signal(object)  # ExportReport
    failed = Signal(str)
    _progressed = Signal(object)

    def __init__(
        self,
        offer: ExportOffer,
        job: ExportJob,
        parent: QWidget | None = None,
        choose_path: Callable[[QWidget, Path], Path | None] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export video")
        self.setMinimumWidth(460)
        self._offer, self._job = offer, job
        self._choose_path = choose_path or _ask_path
        self._worker = Worker("export", self)
        self._cancel = threading.Event()
        self.running = False
        self._progressed.connect(self._show_progress, Qt.ConnectionType.QueuedConnection)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._make_form())
        self._pages.addWidget(self._make_progress())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.SPACE * 3,) * 4)
        layout.addWidget(self._pages)

    # ---- the form ----

    def _make_form(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.SPACE * 2)
        form.setVerticalSpacing(theme.SPACE + 2)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("File", self._path_row())
        form.addRow("Size", self._size_row())
        self.rate = QComboBox()
        for fps in sorted({*RATES, self._offer.fps}):
            self.rate.addItem(f"{fps:g} frames per second", fps)
        self.rate.setCurrentIndex(self.rate.findData(self._offer.fps))
        form.addRow("Rate", self.rate)
        form.addRow("From", self._range_row())
        camera = QLabel("As in the viewport now")
        camera.setObjectName("hint")
        form.addRow("Camera", camera)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setObjectName("problem")
        self.problem.hide()
        form.addRow(self.problem)
        buttons = QHBoxLayout()
        close = QPushButton("Close")
        close.clicked.connect(self.reject)
        self.export = QPushButton("Export")
        self.export.setObjectName("primary")
        self.export.setDefault(True)
        self.export.clicked.connect(self.start)
        buttons.setSpacing(theme.SPACE)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.export)
        form.addRow(buttons)
        return page

    def _path_row(self) -> QWidget:
        row, layout = _row()
        self.path = QLineEdit(str(self._offer.path))
        self.path.setAccessibleName("File to write")
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        layout.addWidget(self.path, 1)
        layout.addWidget(choose)
        return row

    def _size_row(self) -> QWidget:
        row, layout = _row()
        self.size_choice = QComboBox()
        for name, width, height in SIZES:
            self.size_choice.addItem(name, QSize(width, height))
        self.size_choice.addItem(CUSTOM)
        self.width_px, self.height_px = (self._pixels(n) for n in (self._offer.width, self._offer.height))
        found = self.size_choice.findData(QSize(self._offer.width, self._offer.height))
        self.size_choice.setCurrentIndex(found if found >= 0 else self.size_choice.count() - 1)
        self.size_choice.currentIndexChanged.connect(self._size_chosen)
        for field in (self.width_px, self.height_px):
            field.setEnabled(found < 0)
        layout.addWidget(self.size_choice, 1)
        layout.addWidget(self.width_px)
        layout.addWidget(QLabel("×"))
        layout.addWidget(self.height_px)
        return row

    def _pixels(self, value: int) -> QSpinBox:
        field = QSpinBox()
        field.setRange(16, 4096)
        field.setSingleStep(2)
        field.setValue(value)
        theme.pad(field)
        field.setFixedWidth(62)
        return field

    def _range_row(self) -> QWidget:
        row, layout = _row()
        first, past = self._offer.range_s or (0.0, self._offer.duration_s)
        self.start_s, self.end_s = self._seconds(first), self._seconds(past)
        whole = QPushButton("Whole clip")
        whole.setAutoDefault(False)
        whole.clicked.connect(self._whole)
        layout.addWidget(self.start_s)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.end_s)
        layout.addStretch(1)
        layout.addWidget(whole)
        return row

    def _seconds(self, value: float) -> QDoubleSpinBox:
        field = QDoubleSpinBox()
        field.setDecimals(2)
        field.setSuffix(" s")
        field.setRange(0.0, max(self._offer.duration_s, 0.01))
        field.setValue(value)
        theme.pad(field)
        field.setFixedWidth(84)
        return field

    def _choose(self) -> None:
        path = self._choose_path(self, Path(self.path.text()))
        if path is not None:
            self.path.setText(str(path))

    def _size_chosen(self, _index: int) -> None:
        size = self.size_choice.currentData()
        for field in (self.width_px, self.height_px):
            field.setEnabled(size is None)
        if isinstance(size, QSize):
            self.width_px.setValue(size.width())
            self.height_px.setValue(size.height())

    def _whole(self) -> None:
        self.start_s.setValue(0.0)
        self.end_s.setValue(self._offer.duration_s)

    def wish(self) -> ExportWish:
        """What the fields say."""
        end_s = self.end_s.value()
        if abs(end_s - self._offer.duration_s) < 0.006:  # the field shows hundredths
            end_s = self._offer.duration_s
        return ExportWish(
            Path(self.path.text()).expanduser(),
            self.width_px.value(),
            self.height_px.value(),
            float(self.rate.currentData()),
            self.start_s.value(),
            end_s,
        )

    # ---- the export ----

    def _make_progress(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.headline = QLabel()
        self.headline.setFont(theme.font(theme.TYPE.large))
        self.headline.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.detail = QLabel()
        self.detail.setObjectName("hint")
        self.detail.setWordWrap(True)
        column.addStretch(1)
        column.addWidget(self.headline)
        column.addWidget(self.bar)
        column.addWidget(self.detail)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.stop = QPushButton("Cancel")
        self.stop.clicked.connect(self._stop)
        buttons.addWidget(self.stop)
        column.addLayout(buttons)
        return page

    def start(self) -> None:
        """Begin with what the fields say."""
        wish = self.wish()
        self.problem.hide()
        self._cancel.clear()
        self.running = True
        self.headline.setText(f"Writing {wish.path.name}")
        self.detail.setText("Drawing the first frames…")
        self.bar.setRange(0, 0)
        self.stop.setText("Cancel")
        self._pages.setCurrentIndex(1)
        job, progress, cancelled = self._job, self._progressed.emit, self._cancel.is_set
        self._worker.run(lambda: job(wish, progress, cancelled), self._done, self._failed)

    def _show_progress(self, progress: ExportProgress) -> None:
        if not self.running or self._cancel.is_set():
            return
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.frames)
        left = "" if progress.seconds_left is None else f"  ·  {_duration(progress.seconds_left)} left"
        self.detail.setText(f"Frame {progress.frames} of {progress.total}{left}")

    def _stop(self) -> None:
        if not self.running:
            self.accept()
            return
        self._cancel.set()
        self.detail.setText("Stopping…")

    def _done(self, report: ExportReport) -> None:
        self.running = False
        self.bar.setRange(0, 1)
        self.bar.setValue(1)
        self.headline.setText(f"{report.path.name} is ready")
        rate = report.frames / max(report.elapsed_s, 1e-6)
        self.detail.setText(
            f"{report.frames} frames, {report.duration_s:.2f} s, {report.width} × {report.height}, "
            f"{report.size_bytes / 1e6:.1f} MB in {report.path.parent}. {rate:.0f} frames a second."
        )
        self.stop.setText("Close")
        self.finished_export.emit(report)

    def _failed(self, text: str) -> None:
        self.running = False
        self._pages.setCurrentIndex(0)
        if not self._cancel.is_set():
            self.problem.setText(text)
            self.problem.show()
            self.failed.emit(text)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Closing cancels what runs."""
        self.shut_down()
        super().closeEvent(event)

    def reject(self) -> None:
        """Escape cancels a running export, and closes the dialog otherwise."""
        if self.running:
            self._stop()
        else:
            super().reject()

    def shut_down(self) -> None:
        """Cancel and wait for the frame in hand."""
        self._cancel.set()
        self._worker.close()


def _row() -> tuple[QWidget, QHBoxLayout]:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.SPACE)
    return row, layout


def _duration(seconds: float) -> str:
    """12 s, 3 min 05 s."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _ask_path(parent: QWidget, start: Path) -> Path | None:
    name, _ = QFileDialog.getSaveFileName(parent, "Export video", str(start), "Video (*.mp4 *.mov)")
    return Path(name) if name else None
