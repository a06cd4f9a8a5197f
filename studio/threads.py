"""How the threads of numerical libraries wait for each other.

GNU OpenMP, which PyTorch's loops run on, lets a thread that has finished its part spin until the others have, which is
quickest while nobody else wants the core. A studio always has somebody who does: sound, window, encoder of a video. On
two cores beside other work a short training took 170 s spinning and 41 s sleeping.
"""

import os


def share_cores() -> None:
    """Let waiting threads sleep; before PyTorch is imported, and unless the user's environment says otherwise."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
