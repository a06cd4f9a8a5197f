"""Where the files that ship with the studio lie: avatars, sample speech, icons."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from studio.errors import StudioError

_HERE = Path(__file__).resolve()


def assets_dir() -> Path:
    """The folder `assets/`: at the top of a checkout, inside the installed package, or in the prefix's `share`.

    Raises:
        StudioError: if none of them exists.
    """
    checkout = _HERE.parents[2]
    places = [checkout / "assets"] if (checkout / "pyproject.toml").is_file() else []
    places += [_HERE.parents[1] / "assets", Path(sysconfig.get_path("data")) / "share" / "emozone-studio" / "assets"]
    for place in places:
        if place.is_dir():
            return place
    raise StudioError(f"The studio's assets are missing (looked in {places[0]}); install EmoZone Studio again.")
