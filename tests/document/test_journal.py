"""The journal: what it keeps through crashes, and that killing the process at any moment loses nothing committed.

`python -m tests.document.test_journal 200` kills 200 sessions, as the suite does with fewer.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import pytest

from studio.document import journal as journal_module
from studio.document import records
from studio.document.commands import History
from studio.document.journal import Journal, Recovery, recoverable
from studio.document.performance import Performance
from studio.document.project import Project, load_project, save_project
from studio.errors import StudioError
from tests.document.strategies import random_project

KILLS = 20


def held(value: float) -> Project:
    return Project(performance=Performance.held({"AU12": value}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journals"


def session(folder: Path, history: History, **options: object) -> Journal:
    journal = Journal(history.project, folder=folder, **options)  # type: ignore[arg-type]
    journal.attach(history)
    return journal


def die(journal: Journal) -> None:
    """Ends a session without a clean exit: the file stays and its lock goes, as when the process is killed."""
    journal.close(keep=True)


def only(folder: Path) -> Recovery:
    (recovery,) = recoverable(folder)
    return recovery


def test_a_dead_session_is_offered_with_what_it_held(folder: Path, tmp_path: Path) -> None:
    history = History(held(1))
    journal = session(folder, history, project_path=tmp_path / "My talk.emozone")
    for i in range(2, 5):
        history.apply(f"smile {i}", held(i))
    history.undo()
    assert recoverable(folder) == ()  # still alive
    die(journal)
    recovery = only(folder)
    assert recovery.load() == held(3)
    assert (recovery.name, recovery.edits, recovery.damage) == ("My talk", 4, None)
    assert recovery.labels == ("smile 2", "smile 3", "smile 4", "Undo smile 4")
    assert recovery.project_path == tmp_path / "My talk.emozone"
    assert recovery.started_s <= recovery.edited_s
    recovery.discard()
    assert recoverable(folder) == ()
    assert list(folder.iterdir()) == []


def test_steps_of_a_gesture_are_not_recorded_but_its_commit_is(folder: Path) -> None:
    history = History(held(1))
    journal = session(folder, history)
    gesture = history.begin("Drag")
    gesture.update(held(2))
    gesture.commit()
    history.begin("Drag").update(held(4))
    die(journal)
    assert only(folder).load() == held(2)


@pytest.mark.parametrize("seed", range(8))
def test_random_sessions_are_recovered_exactly(folder: Path, seed: int) -> None:
    rng = Random(seed)
    history = History(random_project(rng))
    journal = session(folder, history)
    for i in range(6):
        history.apply(str(i), random_project(rng))
        if rng.random() < 0.3:
            history.undo()
    die(journal)
    assert only(folder).load() == history.project


def test_a_clean_exit_leaves_nothing(folder: Path) -> None:
    history = History(held(1))
    journal = session(folder, history)
    history.apply("a", held(2))
    journal.close()
    journal.close()
    assert list(folder.iterdir()) == []


def test_saving_begins_anew(folder: Path, tmp_path: Path) -> None:
    history = History(held(1))
    journal = session(folder, history)
    history.apply("a", held(2))
    first = journal.path
    journal.saved(history.project, tmp_path / "talk.emozone")
    assert journal.path != first
    assert len(list(folder.iterdir())) == 1
    history.apply("b", held(3))
    die(journal)
    recovery = only(folder)
    assert (recovery.name, recovery.edits, recovery.labels) == ("talk", 1, ("b",))
    assert recovery.load() == held(3)


def test_a_session_that_died_right_after_saving_holds_nothing_new(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    history = History(held(1))
    journal = session(folder, history, project_path=path)
    history.apply("a", held(2))
    save_project(history.project, path)
    die(journal)
    assert only(folder).matches_saved()
    save_project(held(3), path)
    assert not only(folder).matches_saved()


def test_a_recovered_session_that_dies_again_is_offered_again(folder: Path) -> None:
    history = History(held(1))
    journal = session(folder, history)
    history.apply("a", held(2))
    die(journal)
    recovery = only(folder)
    second = History(recovery.load(), saved=False)
    again = session(folder, second, recovered=recovery)
    recovery.discard()
    die(again)
    assert only(folder).load() == held(2)
    assert only(folder).labels == ("a",)


def test_journals_without_edits_are_swept_once_they_are_old(folder: Path) -> None:
    die(session(folder, History(held(1))))
    (file,) = folder.iterdir()
    assert recoverable(folder) == ()
    assert file.exists()
    os.utime(file, (0, 0))
    assert recoverable(folder) == ()
    assert not file.exists()


@pytest.mark.parametrize("data", [b"", b"0123456789abcdef {"])
def test_journals_that_never_began_are_swept_too(folder: Path, data: bytes) -> None:
    folder.mkdir()
    file = folder / "a-000000.journal"
    file.write_bytes(data)
    assert recoverable(folder) == ()
    assert file.exists()
    os.utime(file, (0, 0))
    recoverable(folder)
    assert not file.exists()


def test_a_damaged_journal_is_not_thrown_away(folder: Path) -> None:
    folder.mkdir()
    file = folder / "a-000000.journal"
    file.write_bytes(b"0123456789abcdef {}\n")
    os.utime(file, (0, 0))
    assert recoverable(folder) == ()
    assert file.exists()


@pytest.mark.parametrize("seed", range(3))
def test_truncation_and_flipped_bits_recover_a_committed_state(folder: Path, seed: int) -> None:
    rng = Random(seed)
    history = History(held(0))
    journal = session(folder, history)
    states = [history.project]
    for i in range(1, 6):
        history.apply(str(i), held(i))
        states.append(history.project)
    die(journal)
    (file,) = folder.iterdir()
    data = file.read_bytes()
    start = data.index(b"\n")
    for _ in range(60):
        place = rng.randrange(start + 1, len(data))
        damaged = bytearray(data)
        if rng.random() < 0.5:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        whole = data[:place].count(b"\n") - 1
        if whole:
            assert only(folder).load() == states[whole]
            assert only(folder).edits == whole
        else:
            assert recoverable(folder) == ()


def test_what_is_no_journal_is_passed_over(folder: Path) -> None:
    folder.mkdir()
    (folder / "junk.journal").write_bytes(b"junk")
    (folder / "empty.journal").write_bytes(b"")
    (folder / "folder.journal").mkdir()
    assert recoverable(folder) == ()
    assert recoverable(folder / "none") == ()


def test_a_full_disk_is_told_once_and_editing_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    history = History(held(1))
    journal = session(folder, history, on_failure=told.append)
    history.apply("kept", held(2))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records.os, "write", full)
    history.apply("b", held(3))
    history.apply("c", held(4))
    assert len(told) == 1
    assert "no space left on device" in told[0]
    assert journal.failure is not None
    assert history.project == held(4)
    monkeypatch.undo()
    history.apply("d", held(5))
    assert journal.failure is None
    die(journal)
    recovery = only(folder)
    assert recovery.load() == held(5)
    assert recovery.labels == ("kept", "b", "c", "d")


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "journals"
    blocked.write_text("a file in the way")
    told: list[str] = []
    history = History(held(1))
    journal = session(blocked, history, on_failure=told.append)
    assert journal.path is None
    history.apply("a", held(2))
    assert len(told) == 1
    blocked.unlink()
    history.apply("b", held(3))
    assert journal.path is not None
    die(journal)
    assert only(blocked).load() == held(3)
    assert only(blocked).edits == 2


def test_saving_while_the_disk_is_full_keeps_the_old_journal(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(held(1))
    journal = session(folder, history)
    history.apply("a", held(2))

    def full(*_: object) -> records.Records:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal_module, "Records", full)
    journal.saved(history.project, tmp_path / "talk.emozone")
    monkeypatch.undo()
    history.apply("b", held(3))
    die(journal)
    assert only(folder).load() == held(3)


def test_a_damaged_start_is_one_sentence(folder: Path) -> None:
    history = History(held(1))
    journal = session(folder, history)
    history.apply("a", held(2))
    die(journal)
    recovery = only(folder)
    recovery.path.write_bytes(b"damaged")
    with pytest.raises(StudioError, match="no recovery data"):
        recovery.load()
    recovery.path.unlink()
    with pytest.raises(StudioError, match="cannot be read"):
        recovery.load()


# ---- kill -9 ----

VICTIM = """
import os, sys
from pathlib import Path
from studio.document.commands import History
from studio.document.journal import Journal
from studio.document.performance import Performance
from studio.document.project import Project, save_project

folder, file = Path(sys.argv[1]), Path(sys.argv[2])

def held(step):
    return Project(performance=Performance.held({"AU12": step % 50 / 10, "head_yaw": step // 50 / 10}))

history = History(held(0))
journal = Journal(history.project, file, folder=folder)
journal.attach(history)
step = 0
while True:
    step += 1
    gesture = history.begin(f"edit {step}")
    gesture.update(held(step + 0.5))
    gesture.update(held(step))
    gesture.commit()
    os.write(1, b"%d\\n" % step)
    if step % 7 == 0:
        save_project(history.project, file)
        journal.saved(history.project, file)
        os.write(1, b"%d saved\\n" % step)
"""


def step_of(project: Project) -> float:
    smile, yaw = (project.performance.lane(key) for key in ("AU12", "head_yaw"))
    assert smile is not None
    assert yaw is not None
    return round((smile.held or 0) * 10 + (yaw.held or 0) * 500, 6)


def kill_one(folder: Path, delay_s: float) -> None:
    """Kills a session that edits and saves as fast as it can, and checks what it leaves.

    The victim reports an edit after it was committed, so what is recovered must be the last reported edit, or the one
    after it, whose report was lost with the process.
    """
    journals, file = folder / "journals", folder / "talk.emozone"
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(journals), str(file)], stdout=subprocess.PIPE, bufsize=0
    )
    assert victim.stdout is not None
    reports = [victim.stdout.readline()]
    reports_fd = victim.stdout.fileno()
    end = time.monotonic() + delay_s
    while (left := end - time.monotonic()) > 0:
        if select.select([reports_fd], [], [], left)[0]:
            reports.append(os.read(reports_fd, 65536))
    os.kill(victim.pid, signal.SIGKILL)
    reports.append(victim.stdout.read())
    victim.wait()
    victim.stdout.close()
    lines = b"".join(reports).decode().split("\n")[:-1]
    last = int(lines[-1].split()[0])
    saved = load_project(file) if file.exists() else None
    found = recoverable(journals)
    assert len(found) <= 1
    recovered = found[0].load() if found else saved
    assert recovered is not None
    assert step_of(recovered) in (last, last + 1), f"killed after edit {last}, recovered {step_of(recovered)}"
    if found:
        assert found[0].damage is None
    if saved is not None:
        assert step_of(saved) % 7 == 0
        assert step_of(saved) >= last - 7


def kill_many(count: int, seed: int) -> None:
    rng = Random(seed)
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            kill_one(Path(folder), rng.uniform(0, 0.25))


def test_killing_a_session_at_any_moment_loses_nothing_committed() -> None:
    kill_many(KILLS, 0)


if __name__ == "__main__":
    kill_many(int(sys.argv[1]) if len(sys.argv) > 1 else 200, int.from_bytes(os.urandom(4), "big"))
