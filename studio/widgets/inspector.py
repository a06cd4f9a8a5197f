"""The inspector: the pages at the right of the window, one in front at a time."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from studio.widgets import theme

MINIMUM_WIDTH = 340


class Inspector(QFrame):
    """Pages under a row of tabs, each with an optional widget of its own at the row's right end."""

    page_changed = Signal(str)
    """Title of the page in front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setMinimumWidth(MINIMUM_WIDTH)
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setAccessibleName("Pages of the inspector")
        self._pages = QStackedWidget()
        self._corners = QStackedWidget()
        self._corners.setFixedHeight(theme.ROW_HEIGHT_ROOMY)
        head = QHBoxLayout()
        head.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, 0)
        head.setSpacing(theme.SPACE)
        head.addWidget(self.tabs, 1)
        head.addWidget(self._corners)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._pages, 1)
        self.tabs.currentChanged.connect(self._show)

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the pages, left to right."""
        return tuple(self.tabs.tabText(i) for i in range(self.tabs.count()))

    def add_page(self, title: str, page: QWidget, *, corner: QWidget | None = None, tip: str = "") -> None:
        """Append a page; `corner` is shown beside the tabs while the page is in front.

        What scrolls takes no focus of its own: Tab goes from control to control.
        """
        for area in (page, *page.findChildren(QScrollArea)):
            if isinstance(area, QScrollArea):
                area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pages.addWidget(page)
        self._corners.addWidget(corner or QWidget())
        index = self.tabs.addTab(title)
        self.tabs.setTabToolTip(index, tip)

    def show_page(self, title: str) -> None:
        """Bring a page to the front. Raises ValueError for a title that there is not."""
        self.tabs.setCurrentIndex(self.titles.index(title))

    def _show(self, index: int) -> None:
        self._pages.setCurrentIndex(index)
        self._corners.setCurrentIndex(index)
        if index >= 0:
            self.page_changed.emit(self.tabs.tabText(index))
