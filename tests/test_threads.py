"""Threads of numerical libraries sleep while they wait, whoever starts PyTorch, unless the user wants otherwise."""

import os
import subprocess
import sys

import pytest

from studio.threads import share_cores


def test_waiting_threads_sleep_by_default_and_the_user_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY")
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize("entry", ["studio.cli", "studio.app"])
def test_no_entry_has_imported_torch_before_it_decides(entry: str) -> None:
    script = (
        f"import sys, {entry} as entry, studio.threads\n"
        "def decided():\n"
        "    sys.exit(3 if 'torch' in sys.modules else 0)\n"
        "entry.share_cores = decided\n"
        "sys.argv = ['emozone']\n"
        "entry.main()\n"
    )
    clean = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", script], env=clean, timeout=60, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
