"""The read-out in the viewport's corner: who is drawn, by what, how large and how fast."""

from __future__ import annotations

from studio.widgets.context import Studio
from studio.widgets.names import avatar_title
from studio.widgets.view.staging import Staging


class Hud:
    """Keeps the read-out up to date while it is switched on."""

    def __init__(self, studio: Studio, staging: Staging) -> None:
        self._studio, self._staging = studio, staging
        switch = studio.actions["view.readout"]
        switch.setChecked(True)
        switch.toggled.connect(lambda _on: self.refresh())
        studio.driver.picture_ready.connect(lambda _result: self.refresh())
        staging.chosen.connect(lambda _choice: self.refresh())

    def refresh(self) -> None:
        """Show the present figures."""
        studio = self._studio
        shown, ready = studio.driver.shown, studio.session.avatar
        if shown is None or ready is None or not studio.actions["view.readout"].isChecked():
            studio.viewport.overlay.show_readout("")
            return
        camera, player, pace = shown.request.camera, studio.driver.player, studio.driver.pace
        parts = [
            avatar_title(ready.avatar.info.name),
            f"{len(ready.avatar.gaussians):,} Gaussians",
            shown.backend or ready.backend,
            f"{camera.width} × {camera.height}",
        ]
        if player.playing:
            parts += [f"{pace.fps:.0f} fps", f"{pace.latency_s * 1e3:.0f} ms latency"]
        else:
            parts.append(f"{shown.deform_ms + shown.raster_ms:.0f} ms")
        if shown.request.ghost_s is not None:
            parts.append(f"ghost of {shown.request.ghost_s:.2f} s")
        if self._staging.choice.free:
            parts.append("camera moved off its keys")
        elif self._staging.keyed_view(player.position_s) is not None:
            parts.append("camera keys")
        studio.viewport.overlay.show_readout("   ·   ".join(parts))
