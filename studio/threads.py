"""How threads wait for each other: those of numerical libraries, and Python's own.

GNU OpenMP, which PyTorch's loops run on, lets a thread that has finished its part spin until the others have, which is
quickest while nobody else wants the core. A studio always has somebody who does: sound, window, encoder of a video. On
two cores beside other work a short training took 170 s spinning and 41 s sleeping.
"""

import os
import sys

SWITCH_S = 0.001
"""How long a thread of Python may keep the others waiting. Drawing a frame lets go of Python's lock some hundred times,
and would wait up to five milliseconds (Python's default) whenever the window happens to be at work."""


def share_cores() -> None:
    """Let waiting threads sleep; before PyTorch is imported, and unless the user's environment says otherwise."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def take_turns() -> None:
    """Let Python's threads hand over to each other quickly, in a process with a window."""
    sys.setswitchinterval(SWITCH_S)
