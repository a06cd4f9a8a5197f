"""Where files lie: those that ship with the studio (avatars, sample speech, icons, the user guide), and the user's."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import platformdirs

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


def user_dir() -> Path:
    """The user's folder for what the studio makes and keeps; it need not exist."""
    return platformdirs.user_data_path("emozone-studio", appauthor=False)


def own_avatars_dir() -> Path:
    """Where avatars lie that were made on this computer; it need not exist."""
    return user_dir() / "avatars"


def avatar_files() -> list[Path]:
    """All avatars that go by a name: the shipped ones, then the user's own, each by name."""
    return [*shipped_avatars(), *sorted(own_avatars_dir().glob("*.safetensors"))]


def shipped_avatars() -> list[Path]:
    """The avatars that ship with the studio, by name."""
    return sorted((assets_dir() / "avatars").glob("*.safetensors"))


def _folder(name: str) -> Path:
    checkout = _HERE.parents[2]
    places = [checkout / name] if (checkout / "pyproject.toml").is_file() else []
    places += [_HERE.parents[1] / name, Path(sysconfig.get_path("data")) / "share" / "emozone-studio" / name]
    for place in places:
        if place.is_dir():
            return place
    raise StudioError(f"The studio's {name} are missing (looked in {places[0]}); install EmoZone Studio again.")
