"""Where the files that ship with the studio lie: avatars, sample speech, icons, the user guide."""

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
    return _folder("assets")


def docs_dir() -> Path:
    """The folder `docs/` with the user guide, found like `assets_dir`."""
    return _folder("docs")


def _folder(name: str) -> Path:
    checkout = _HERE.parents[2]
    places = [checkout / name] if (checkout / "pyproject.toml").is_file() else []
    places += [_HERE.parents[1] / name, Path(sysconfig.get_path("data")) / "share" / "emozone-studio" / name]
    for place in places:
        if place.is_dir():
            return place
    raise StudioError(f"The studio's {name} are missing (looked in {places[0]}); install EmoZone Studio again.")
