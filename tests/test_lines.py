"""Programs follow the work line by line, and stop it by a word or by going away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORK = """
from studio.commands.lines import following
with following() as lines:
    for i in range(3):
        lines.tell("progress", always=True, share=i / 3, what="päge")
    lines.tell("progress", share=0.9)
    if {waits}:
        lines.stop.wait(60)
    print(lines.stop.is_set())
"""


@pytest.mark.parametrize(
    ("said", "waits", "stopped"), [(b"stop\n", True, True), (b"", True, True), (None, False, False)]
)
def test_the_word_or_the_end_of_the_input_stops(said: bytes | None, waits: bool, stopped: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK.format(waits=waits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    if said is not None:
        process.stdin.write(said)
        process.stdin.close()
    out, err = process.stdout.read(), process.stderr.read()  # it ends although nobody has closed its input
    assert process.wait(60) == 0
    assert out.decode().strip() == str(stopped)
    events = [json.loads(line) for line in err.decode().splitlines()]
    assert [event["share"] for event in events] == [0.0, 1 / 3, 2 / 3]
    assert events[0] == {"event": "progress", "share": 0.0, "what": "päge"}
    process.stdin.close() if said is None else None
    process.stdout.close()
    process.stderr.close()
