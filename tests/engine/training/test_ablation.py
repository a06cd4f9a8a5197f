"""The ablation: from captures to a table, whole runs at toy size, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from studio import cli
from studio.engine.avatar import load_avatar
from studio.engine.training import ablation
from studio.engine.training.ablation import CONFIGURATIONS, ablate, table_row
from studio.engine.training.ablation_report import markdown, picture
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture


def _capture(root: Path, kind: str, **words: object) -> Path:
    """A toy capture that says of itself to be of some kind."""
    write_toy_capture(root, frames=50, images=8, size_px=32, points=300)
    told = json.loads((root / "capture.json").read_text(encoding="utf-8"))
    (root / "capture.json").write_text(json.dumps(told | {"kind": kind} | words), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("captures")
    return [_capture(place / kind, kind) for kind in ("performance", "heldout", "conflict")]


def test_the_command_trains_measures_and_goes_on_where_it_stopped(
    captures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        ablation, "RECIPE", replace(ablation.RECIPE, geometry_points=32, plane_resolutions=(8, 16), geometry_frames=4)
    )
    out = tmp_path / "results"
    words = ["ablate", *map(str, captures), "-o", str(out), "--iterations", "6", "--seeds", "1"]
    assert cli.main([*words, "--only", "B,literal"]) == 0
    told = capsys.readouterr().out
    found = json.loads((out / "ablation.json").read_text(encoding="utf-8"))
    assert told.strip() == (out / "ablation.md").read_text(encoding="utf-8").strip()
    assert list(found["table"]) == ["B", "literal"]
    assert load_avatar(out / "literal-0.safetensors").deformer.config.literal_keys
    config = load_avatar(out / "B-0.safetensors").deformer.config
    assert (config.au, config.szpab, config.citae, config.raar) == (True, False, False, False)
    for row in found["table"].values():
        assert row["heldout_psnr_db"]["mean"] > 10
        assert row["conflict_aue_u"]["mean"] > 0
        assert row["noise_removed"] is None, "no capture of that kind was given"
    before = (out / "B-0.safetensors").stat().st_mtime_ns
    assert cli.main([*words, "--only", "A,B", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["table"]) == ["A", "B"]
    assert (out / "B-0.safetensors").stat().st_mtime_ns == before, "what is trained is taken as it is"

    figures = json.loads((out / "B-0.json").read_text(encoding="utf-8"))
    spoilt = figures | {"figures": dict.fromkeys(figures["figures"], 7.0)}
    (out / "B-0.json").write_text(json.dumps(spoilt), encoding="utf-8")
    again = [*words[: words.index("--iterations")], "--seeds", "1", "--measure-only"]
    assert cli.main([*again, "--only", "B"]) == 0
    assert json.loads((out / "B-0.json").read_text(encoding="utf-8")) == figures, "measured anew, trained as it was"
    assert (out / "B-0.safetensors").stat().st_mtime_ns == before
    told = json.loads((out / "ablation.json").read_text(encoding="utf-8"))
    assert sum(told["iterations"].values()) == 6, "what the avatars say, not the recipe of today"
    capsys.readouterr()
    assert cli.main([*again, "--only", "full"]) != 0
    assert "train it first, without --measure-only" in capsys.readouterr().err


def test_rows_tell_mean_and_spread() -> None:
    row = table_row([{"a": 1.0, "b": None}, {"a": 3.0, "b": None}, {"a": 2.0, "b": 5.0}])
    assert row == {"a": {"mean": 2.0, "low": 1.0, "high": 3.0}, "b": {"mean": 5.0, "low": 5.0, "high": 5.0}}
    assert table_row([{"a": None}]) == {"a": None}


def test_the_report_says_what_parts_change_and_leaves_gaps_open() -> None:
    table = {
        name: table_row([{"conflict_aue_u": 2.0 * size, "noise_removed": 1 - size}])
        for name, size in (("B", 1.0), ("C", 0.4), ("full", 0.25))
    }
    table["D"] = {}
    told = markdown({"table": table})
    assert "SZ-PAB, B → C: AUE-U in conflict changes by -60 %" in told
    assert "D → full" not in told
    assert "| AUE-U, conflict | 2.00 | 0.800 | 0.500 | – |" in told
    assert "CIT-AE, C → full: jitter removed 60 % → 75 %" in told
    assert "PSNR" not in told, "no row for what nobody measured"
    drawing = ElementTree.fromstring(picture({"table": table}))
    bars = [node for node in drawing.iter() if node.tag.endswith("rect")]
    assert len(bars) == 1 + 3 + 3


def test_parts_are_left_out_as_the_paper_does() -> None:
    without = {c.name: set(c.without) for c in CONFIGURATIONS}
    assert without["C"] ^ without["B"] == {"szpab", "raar"}
    assert without["full"] == without["literal"] == set()
    assert without["D"] == {"szpab", "raar"}
    assert "au" in without["A"]


def test_what_cannot_be_compared_is_refused(captures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="needs one capture to train on"):
        ablate(captures[1:], tmp_path)
    with pytest.raises(StudioError, match="needs one capture to train on"):
        ablate([*captures, captures[1]], tmp_path)
    with pytest.raises(StudioError, match="no configuration 'E'"):
        ablate(captures, tmp_path, only=("E",))
    other = _capture(tmp_path / "other", "noise", identity="somebody")
    with pytest.raises(StudioError, match="shows somebody, but"):
        ablate([*captures, other], tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StudioError, match="cannot be made a folder"):
        ablate(captures, tmp_path / "file")
