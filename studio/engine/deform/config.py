"""What a deformer is made of: which controls it takes and which parts of the method it uses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from studio.document.action_units import ACTION_UNITS, UPPER
from studio.engine.speech.articulators import N_ARTICULATORS

WIDTH = 64
"""Features per Gaussian and per token: 32 channels at two resolutions."""

MAX_SIZE = 4096
"""Largest number of units or channels; a damaged file must not ask for all memory."""

ABLATIONS: tuple[str, ...] = ("au", "szpab", "citae", "raar")
"""Parts that `DeformerConfig.without` can leave out."""


@dataclass(frozen=True)
class DeformerConfig:
    """What a deformer is made of.

    Raises:
        ValueError: if a field is out of range; the message quotes it.
    """

    n_au: int = len(ACTION_UNITS)  # action-unit tokens: 17, or the 8 upper-face ones (recipe `paper`)
    n_speech: int = N_ARTICULATORS  # channels of the speech features
    au: bool = True  # False: no action-unit tokens (ablation A)
    szpab: bool = True  # False: attention without region bias
    citae: bool = True  # False: the centre frame's intensity, unfiltered
    raar: bool = True  # False: the attention regulariser is 0
    literal_keys: bool = False  # True: intensity inside keys as well as values, the paper's literal reading
    resolutions: tuple[int, ...] = (64, 128)  # texels of the tri-planes
    attention_heads: int = 2
    hidden_feedforward: int = 64
    hidden_heads: int = 128

    def __post_init__(self) -> None:
        if self.n_au not in (len(UPPER), len(ACTION_UNITS)):
            raise ValueError(f"n_au is {self.n_au}, expected {len(UPPER)} or {len(ACTION_UNITS)}")
        sizes = (self.n_speech, self.attention_heads, self.hidden_feedforward, self.hidden_heads)
        if min(sizes) < 1 or max(sizes) > MAX_SIZE:
            raise ValueError(f"sizes must be from 1 to {MAX_SIZE}: {self}")
        if WIDTH % self.attention_heads:
            raise ValueError(f"attention_heads is {self.attention_heads}, expected a divisor of {WIDTH}")
        if not self.resolutions or WIDTH % len(self.resolutions) or not all(2 <= r <= 1024 for r in self.resolutions):
            raise ValueError(f"resolutions are {self.resolutions}, expected 1, 2 or 4 numbers from 2 to 1024")

    @property
    def au_tokens(self) -> int:
        """Number of action-unit tokens."""
        return self.n_au if self.au else 0

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        return {**asdict(self), "resolutions": list(self.resolutions)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DeformerConfig:
        """The configuration that `to_json` wrote.

        Raises:
            ValueError: on an unknown field or a value of the wrong type or range.
        """
        known = {field.name: field for field in fields(cls)}
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown deformer setting {name!r}")
            default = known[name].default
            if name == "resolutions":
                if not isinstance(value, list) or not all(type(v) is int for v in value):
                    raise ValueError(f"deformer setting resolutions is {value!r}, expected a list of whole numbers")
                value = tuple(value)
            elif type(value) is not type(default):
                raise ValueError(f"deformer setting {name} is {value!r}, expected {type(default).__name__}")
            clean[name] = value
        return cls(**clean)

    @classmethod
    def without(cls, parts: tuple[str, ...] = (), **settings: Any) -> DeformerConfig:
        """A configuration that leaves out `parts` of `ABLATIONS`.

        Raises:
            ValueError: on an unknown part.
        """
        for part in parts:
            if part not in ABLATIONS:
                raise ValueError(f"unknown part {part!r}, expected one of {', '.join(ABLATIONS)}")
        return cls(**{**settings, **dict.fromkeys(parts, False)})
