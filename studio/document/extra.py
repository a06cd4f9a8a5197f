"""Keys of a file that this version does not know, kept so that saving does not lose them.

They are stored as text, because frozen documents must be hashable and comparable and dictionaries are neither.
"""

from __future__ import annotations

Extra = tuple[tuple[str, str], ...]
"""(key, JSON text of its value) pairs in the order of the file."""
