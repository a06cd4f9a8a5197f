from __future__ import annotations

from pathlib import Path

from hypothesis import given

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions
from studio.document.fingerprint import Fingerprint
from studio.document.lanes import Lane
from studio.document.model import Marker, Media, Project
from studio.document.performance import Performance
from studio.document.summary import MOST_LINES, differences, end_of, summarise, traces
from tests.document.strategies import projects


def smile(keys: int) -> Performance:
    return Performance().with_curve("AU12", Curve.from_samples([float(i) for i in range(keys)], [1.0] * keys))


@given(projects, projects)
def test_differences_are_none_only_between_equal_projects(one: Project, other: Project) -> None:
    assert differences(one, one) == ()
    assert bool(differences(one, other)) == (one != other)
    assert len(differences(one, other)) <= MOST_LINES


@given(projects)
def test_any_project_is_summarised(project: Project) -> None:
    summary = summarise(project)
    assert summary.sentence
    assert "\n" not in summary.sentence
    assert end_of(project) >= 0
    for _, values in traces(project, 20):
        assert values.shape == (20,)
        assert values.max() > 0


def test_the_words() -> None:
    project = Project(performance=smile(4), audio=Media("/x/voice.wav"), markers=(Marker(9.0),))
    assert summarise(project).sentence == "1 lane with 4 keys, 1 marker, up to 9.0 s"
    assert summarise(project).media == "voice.wav"
    assert summarise(Project()).sentence == "No edits"
    assert traces(Project(), 10) == ()


def test_each_kind_of_change_has_its_line() -> None:
    before = Project(performance=smile(2))
    clips = Expressions((Clip("happy", 0, 1),))
    performance = Performance(expressions=clips, lanes=(*smile(3).lanes, Lane("AU4", held=1.5, name="wrath")))
    after = Project(performance=performance, audio=Media("/x/voice.wav"), fps=30.0, loop=True)
    assert differences(before, after) == (
        "Speech: none → voice.wav",
        "AU12 Lip corner puller: 2 keys → 3 keys",
        "wrath (AU4 Brow lowerer): new, held at 1.50",
        "Expressions: 0 → 1 clip",
        "Range or loop changed",
        "Rate: 25 → 30 frames per second",
    )
    assert differences(before, Project()) == ("AU12 Lip corner puller: gone",)
    many = Performance(lanes=tuple(Lane("AU4", held=1.0, name=str(i)) for i in range(40)))
    assert differences(Project(), Project(performance=many))[-1] == "and 29 more"


def test_a_file_is_told_apart_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    seen = Fingerprint.of(path)
    assert seen is not None
    assert seen.holds(path)
    path.touch()
    assert seen.holds(path)
    path.write_bytes(b"two")
    assert not seen.holds(path)
    path.unlink()
    assert seen.holds(path)
    assert Fingerprint.of(path) is None
