"""The export dialog: what to write where. The queue does the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.document.performance import CameraView
from studio.engine.formats import BY_ID, FORMATS, Format, unavailable
from studio.errors import StudioError
from studio.widgets import theme
from studio.widgets.exports.jobs import ExportWish
from studio.widgets.exports.offer import CODECS, CUSTOM, RATES, SIZES, TURNED, CameraChoice, ExportOffer

Check = Callable[[ExportWish], None]
"""Raises StudioError for a wish that cannot be met."""


class ExportDialog(QDialog):
    """Asks what to export; `added` tells the answer.

    Args:
        offer: the fields' first values.
        check: refuses what cannot be written.
        free: a name like the given one that nothing has yet.
        choose_path: asks for a file; replaced in tests.
    """

    added = Signal(object, bool)
    """An `ExportWish`, and whether it shall start."""

    def __init__(
        self,
        offer: ExportOffer,
        parent: QWidget | None = None,
        *,
        check: Check = lambda _wish: None,
        free: Callable[[Path], Path] = lambda path: path,
        choose_path: Callable[[QWidget, Path, Format], Path | None] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(480)
        self._offer, self._check, self._free = offer, check, free
        self._choose_path = choose_path or _ask_path
        self._typed = False  # whether the target is the user's own
        self._form = form = QFormLayout()
        form.setHorizontalSpacing(theme.SPACE * 2)
        form.setVerticalSpacing(theme.SPACE)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Format", self._format_row())
        form.addRow("File", self._path_row())
        self._size, self._rate, self._range = self._size_row(), self._rate_row(), self._range_row()
        self._moment, self._camera = self._moment_row(), self._camera_row()
        for label, row in (
            ("Size", self._size),
            ("Rate", self._rate),
            ("From", self._range),
            ("At", self._moment),
            ("Camera", self._camera),
        ):
            form.addRow(label, row)
        self._level_labels()
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setObjectName("problem")
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.SPACE * 2,) * 4)
        column.setSpacing(theme.SPACE + theme.SPACE // 2)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addLayout(self._buttons())
        self._format_chosen()
        self.export.setFocus()

    @property
    def format(self) -> Format:
        """The chosen format."""
        return BY_ID[self.format_choice.currentData()]

    # ---- rows ----

    def _level_labels(self) -> None:
        """Each label beside the first line of its field, also where a note makes the field higher."""
        self.path.ensurePolished()
        for row in range(self._form.rowCount()):
            item = self._form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            assert item is not None
            label = item.widget()
            assert label is not None
            item.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setFixedHeight(self.path.sizeHint().height())

    def _buttons(self) -> QHBoxLayout:
        close, self.add = QPushButton("Cancel"), QPushButton("Add to queue")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        self.add.setAutoDefault(False)
        self.add.setToolTip("Keep it in the export queue until you start it")
        self.add.clicked.connect(lambda: self._answer(start=False))
        self.export = QPushButton("Export")
        self.export.setObjectName("primary")
        self.export.setDefault(True)
        self.export.setToolTip("Start now, or after the exports that are running; editing goes on meanwhile")
        self.export.clicked.connect(lambda: self._answer(start=True))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addStretch(1)
        for button in (close, self.add, self.export):
            buttons.addWidget(button)
        return buttons

    def _format_row(self) -> QWidget:
        self.format_choice = QComboBox()
        self.format_choice.setAccessibleName("Format")
        items = self.format_choice.model()
        for i, form in enumerate(FORMATS):
            self.format_choice.addItem(form.name, form.id)
            reason = unavailable(form, alpha=False)
            if reason is not None and (not form.alpha or unavailable(form, alpha=True)):
                assert isinstance(items, QStandardItemModel)
                items.item(i).setEnabled(False)
                self.format_choice.setItemData(i, reason, Qt.ItemDataRole.ToolTipRole)
        self.alpha = QCheckBox("Transparent")
        self.codec = QLabel()
        self.codec.setObjectName("hint")
        self.codec.setWordWrap(True)
        self.format_choice.setCurrentIndex(self.format_choice.findData(self._offer.form))
        self.format_choice.currentIndexChanged.connect(self._format_chosen)
        self.alpha.toggled.connect(self._show_codec)
        row, layout = _row()
        layout.addWidget(self.format_choice, 1)
        layout.addWidget(self.alpha)
        return _with_note(row, self.codec)

    def _path_row(self) -> QWidget:
        row, layout = _row()
        self.path = QLineEdit()
        self.path.setAccessibleName("File or folder to write")
        self.path.textChanged.connect(self._show_replaced)
        self.path.textEdited.connect(self._path_typed)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        layout.addWidget(self.path, 1)
        layout.addWidget(choose)
        self.replaced = QLabel("This exists and will be replaced.")
        self.replaced.setObjectName("hint")
        return _with_note(row, self.replaced)

    def _size_row(self) -> QWidget:
        row, layout = _row()
        self.size_choice = QComboBox()
        self.size_choice.setAccessibleName("Size of the picture")
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
        field.setRange(16, 8192)
        field.setSingleStep(2)
        field.setValue(value)
        theme.pad(field)
        field.setFixedWidth(62)
        return field

    def _rate_row(self) -> QWidget:
        self.rate = QComboBox()
        self.rate.setAccessibleName("Frames per second")
        for fps in sorted({*RATES, self._offer.fps}):
            self.rate.addItem(f"{fps:g} frames per second", fps)
        self.rate.setCurrentIndex(self.rate.findData(self._offer.fps))
        return self.rate

    def _range_row(self) -> QWidget:
        row, layout = _row()
        first, past = self._offer.range_s or (0.0, self._offer.duration_s)
        self.start_s, self.end_s = self._seconds(first), self._seconds(past)
        self.start_s.setAccessibleName("From, seconds")
        self.end_s.setAccessibleName("To, seconds")
        whole = QPushButton("Whole clip")
        whole.setAutoDefault(False)
        whole.clicked.connect(self._whole)
        layout.addWidget(self.start_s)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.end_s)
        layout.addStretch(1)
        layout.addWidget(whole)
        return row

    def _moment_row(self) -> QWidget:
        row, layout = _row()
        self.moment_s = self._seconds(self._offer.moment_s)
        self.moment_s.setAccessibleName("At, seconds")
        layout.addWidget(self.moment_s)
        layout.addStretch(1)
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

    def _camera_row(self) -> QWidget:
        row, layout = _row()
        self.camera = QComboBox()
        self.camera.setAccessibleName("Camera")
        for choice in self._offer.cameras:
            self.camera.addItem(choice.name, choice)
        self.camera.addItem(TURNED)
        self.yaw, self.pitch = self._degrees(180.0, "Yaw"), self._degrees(89.0, "Pitch")
        self.camera.currentIndexChanged.connect(self._camera_chosen)
        layout.addWidget(self.camera, 1)
        layout.addWidget(self.yaw)
        layout.addWidget(self.pitch)
        self._camera_chosen()
        return row

    def _degrees(self, limit: float, name: str) -> QDoubleSpinBox:
        field = QDoubleSpinBox()
        field.setDecimals(1)
        field.setSuffix("°")
        field.setRange(-limit, limit)
        field.setSingleStep(5.0)
        field.setToolTip(f"{name}; the head is framed")
        field.setAccessibleName(name)
        theme.pad(field)
        field.setFixedWidth(72)
        return field

    # ---- what was chosen ----

    def _format_chosen(self) -> None:
        form = self.format
        for row, shown in (
            (self._size, form.content != "splats"),
            (self._rate, not form.single),
            (self._range, not form.single),
            (self._moment, form.single),
            (self._camera, form.content != "splats"),
        ):
            self._form.setRowVisible(row, shown)
        reason = unavailable(form, alpha=True) if form.alpha else f"{form.name} keeps no transparency."
        self.alpha.setVisible(form.content != "splats")
        self.alpha.setEnabled(reason is None)
        self.alpha.setToolTip(reason or "The head alone, to be put over something else")
        self.alpha.setChecked(reason is None and (self._offer.alpha if form.id == self._offer.form else form.alpha))
        self.path.setText(str(self._target(form)))
        self._show_codec()

    def _target(self, form: Format) -> Path:
        """The offered target with the ending of a format, or the one that the user typed, turned into it."""
        ending = "" if form.folder else form.suffix
        if not self._typed:
            return self._free(self._offer.path.with_name(self._offer.path.name + ending))
        typed = Path(self.path.text()).expanduser()
        known = {known for other in FORMATS for known in other.endings}
        return typed.with_name((typed.stem if typed.suffix.lower() in known else typed.name) + ending)

    def _show_codec(self) -> None:
        text = CODECS.get((self.format.id, self.alpha.isChecked()), "")
        self.codec.setText(text)
        self.codec.setVisible(bool(text))

    def _show_replaced(self) -> None:
        try:
            there = bool(self.path.text()) and Path(self.path.text()).expanduser().exists()
        except (OSError, ValueError):  # a name that cannot be; said when it is asked for
            there = False
        self.replaced.setVisible(there)

    def _choose(self) -> None:
        path = self._choose_path(self, Path(self.path.text()), self.format)
        if path is not None:
            self.path.setText(str(path))
            self._typed = True

    def _path_typed(self) -> None:
        self._typed = True

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

    def _camera_chosen(self) -> None:
        typed = self.camera.currentText() == TURNED and self.camera.currentData() is None
        self.yaw.setVisible(typed)
        self.pitch.setVisible(typed)

    def wish(self) -> ExportWish:
        """What the fields say."""
        form, duration_s = self.format, self._offer.duration_s
        start_s, end_s = self.start_s.value(), self.end_s.value()
        if abs(end_s - duration_s) < 0.006:  # the fields show hundredths
            end_s = duration_s
        if form.single:
            start_s = end_s = self.moment_s.value()
            if abs(start_s - self._offer.moment_s) < 0.006:
                start_s = end_s = self._offer.moment_s
        choice = self.camera.currentData()
        if isinstance(choice, CameraChoice):
            view, name = choice.view, choice.brief or choice.name
        else:
            view = CameraView(self.yaw.value(), self.pitch.value())
            name = f"yaw {view.yaw_deg:g}°, pitch {view.pitch_deg:g}°"
        return ExportWish(
            Path(self.path.text()).expanduser(),
            self.width_px.value(),
            self.height_px.value(),
            float(self.rate.currentData()),
            start_s,
            end_s,
            form.id,
            self.alpha.isChecked() and form.alpha,
            view,
            name,
        )

    def _answer(self, *, start: bool) -> None:
        wish = self.wish()
        try:
            self._check(wish)
        except StudioError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.added.emit(wish, start)
        self.accept()


def _row() -> tuple[QWidget, QHBoxLayout]:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.SPACE)
    return row, layout


def _with_note(row: QWidget, note: QLabel) -> QWidget:
    """A row with a line of explanation under it."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.SPACE // 2)
    column.addWidget(row)
    column.addWidget(note)
    return box


def _ask_path(parent: QWidget, start: Path, form: Format) -> Path | None:
    endings = " ".join(f"*{ending}" for ending in form.endings) or "*"
    options = QFileDialog.Option.DontConfirmOverwrite if form.folder else QFileDialog.Option(0)
    name, _ = QFileDialog.getSaveFileName(parent, "Export", str(start), f"{form.name} ({endings})", options=options)
    return Path(name) if name else None
