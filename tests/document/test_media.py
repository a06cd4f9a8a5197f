from __future__ import annotations

from pathlib import Path

import pytest

from studio.document import media
from studio.document.media import check_media, collect, find_media, relink
from studio.document.project import Media, Project, load_project, save_project
from studio.errors import StudioError


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "voice.wav"
    path.parent.mkdir()
    path.write_bytes(b"sound")
    return path


def states(project: Project) -> dict[str, str]:
    return {report.role: report.state for report in check_media(project)}


def test_media_are_ok_changed_or_missing(sound: Path) -> None:
    project = Project(avatar=Media.named("ada"), audio=Media.file(sound))
    assert states(project) == {"avatar": "ok", "audio": "ok"}
    sound.write_bytes(b"other")
    assert states(project)["audio"] == "changed"
    sound.unlink()
    assert states(project)["audio"] == "missing"
    sound.mkdir()
    assert states(project)["audio"] == "unreadable"
    for report in check_media(project):
        assert (report.sentence == "") == (report.state == "ok")


def test_an_absolute_path_from_a_file_is_refused_until_relinked(sound: Path) -> None:
    project = Project(audio=Media(str(sound), trusted=False))
    assert states(project) == {"audio": "refused"}
    assert states(relink(project, "audio", sound)) == {"audio": "ok"}


def test_moved_media_are_found_by_content(tmp_path: Path, sound: Path) -> None:
    lost = Media.file(sound)
    moved = tmp_path / "elsewhere" / "deep" / "renamed.wav"
    moved.parent.mkdir(parents=True)
    sound.rename(moved)
    (tmp_path / "voice.wav").write_bytes(b"an impostor of the same name")
    found = find_media(lost, tmp_path)
    assert found == moved
    project = relink(Project(audio=lost), "audio", found)
    assert states(project) == {"audio": "ok"}
    assert find_media(lost, tmp_path, lambda: True) is None
    moved.unlink()
    assert find_media(lost, tmp_path) is None


def test_a_search_comes_to_an_end(tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "SEARCH_LIMIT", 3)
    for i in range(5):
        (tmp_path / f"{i}.wav").write_bytes(b"x")
    assert find_media(Media.file(sound), tmp_path) is None


def test_links_are_not_followed_in_a_search(tmp_path: Path, sound: Path) -> None:
    lost = Media.file(sound)
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "loop").symlink_to(tmp_path)
    (folder / "voice.wav").symlink_to(sound)
    assert find_media(lost, folder) is None


def test_collecting_makes_a_folder_that_can_be_moved(tmp_path: Path, sound: Path) -> None:
    twin = tmp_path / "voice.wav"
    twin.write_bytes(b"an avatar of the same name")
    project = Project(avatar=Media.file(twin), audio=Media.file(sound))
    collected, file = collect(project, tmp_path / "out", "My talk: final?.emozone")
    assert file.name == "My talk_ final_.emozone"
    sound.unlink()
    twin.unlink()
    (tmp_path / "out").rename(tmp_path / "moved")
    loaded = load_project(tmp_path / "moved" / file.name)
    assert states(loaded) == {"avatar": "ok", "audio": "ok"}
    assert loaded.audio is not None
    assert collected.audio is not None
    assert Path(loaded.audio.path).read_bytes() == b"sound"
    assert loaded.audio.sha256 == collected.audio.sha256


def test_collecting_touches_no_folder_that_is_in_use(tmp_path: Path, sound: Path) -> None:
    with pytest.raises(StudioError, match="not empty"):
        collect(Project(audio=Media.file(sound)), sound.parent, "talk")
    assert [p.name for p in sound.parent.iterdir()] == ["voice.wav"]


def test_collecting_with_a_medium_missing_leaves_nothing(tmp_path: Path, sound: Path) -> None:
    project = Project(avatar=Media.file(sound), audio=Media(str(tmp_path / "gone.wav")))
    with pytest.raises(StudioError, match="relink the speech"):
        collect(project, tmp_path / "out", "talk")
    assert not (tmp_path / "out").exists()


def test_a_hash_of_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="does not exist"):
        Media.file(tmp_path / "gone.wav")


def test_relinking_keeps_unknown_keys(sound: Path) -> None:
    project = Project(audio=Media("/gone.wav", extra=(("gain_db", "3"),)))
    audio = relink(project, "audio", sound).audio
    assert audio is not None
    assert audio.extra == (("gain_db", "3"),)
    assert audio.name == "voice.wav"
    save_project(relink(project, "audio", sound), sound.parent / "talk.emozone")
    assert '"gain_db": 3' in (sound.parent / "talk.emozone").read_text()
