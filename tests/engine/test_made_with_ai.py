"""Every exported file says that it was made with AI, where programs of others look for it; read here byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from studio.engine.backdrop import Backdrop
from studio.engine.export import export_clip
from tests.engine.test_export import CLOCK, GreyRenderer, tone

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
RDF, EXTENSION = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, contents) of the boxes of an ISO media file, in their order."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        assert size >= head, "a box that ends before it begins"
        assert at + size <= len(data), "a box that reaches beyond the file"
        yield kind, data[at + head : at + size]
        at += size


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, contents) of a PNG's chunks."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        contents = data[at + 8 : at + 8 + size]
        (check,) = struct.unpack_from(">I", data, at + 8 + size)
        assert check == zlib.crc32(kind + contents)
        yield kind, contents
        at += 12 + size


def source_type(packet: bytes) -> str | None:
    """What an XMP packet says of its digital source."""
    tree = ElementTree.fromstring(packet.decode().strip("\ufeff \0"))
    described = tree.find(f".//{{{RDF}}}Description")
    assert described is not None
    return described.get(f"{{{EXTENSION}}}DigitalSourceType")


def mark_of(path: Path) -> str | None:
    """The digital source type of a file, read without the studio."""
    data = path.read_bytes()
    if path.suffix == ".mp4":
        packets = [contents[16:] for kind, contents in boxes(data) if kind == b"uuid" and contents[:16] == XMP_BOX]
        assert len(packets) == 1
        return source_type(packets[0])
    if path.suffix == ".mov":
        movie = dict(boxes(data))[b"moov"]
        return source_type(dict(boxes(dict(boxes(movie))[b"udta"]))[b"XMP_"])
    if path.suffix == ".png":
        texts = [contents for kind, contents in chunks(data) if kind == b"iTXt"]
        (packet,) = (text for text in texts if text.startswith(b"XML:com.adobe.xmp\0"))
        compressed, _, rest = packet[18], packet[19], packet[20:]
        assert compressed == 0
        return source_type(rest.split(b"\0", 2)[2])
    if path.suffix == ".webm":
        at = data.index(b"<?xpacket begin")
        return source_type(data[at : data.index(b'<?xpacket end="w"?>') + 19])
    line = next(line for line in data.split(b"end_header")[0].splitlines() if b"ource type" in line)
    return line.decode().rsplit(" ", 1)[1]


def written(path: Path, form: str, background: Any, *, alpha: bool = False) -> Path:
    end = 0.2
    export_clip(
        GreyRenderer(),  # type: ignore[arg-type]
        CLOCK,
        tone(1.0) if form in ("mp4", "mov", "webm") else None,
        path,
        form=form,
        size=32,
        end_s=end,
        background=background,
        alpha=alpha,
    )
    return path


@pytest.mark.parametrize("behind", ["grey", "image"])
@pytest.mark.parametrize(("form", "name"), [("mp4", "a.mp4"), ("mov", "a.mov"), ("webm", "a.webm"), ("png", "a.png")])
def test_every_picture_and_video_is_marked(tmp_path: Path, form: str, name: str, behind: str) -> None:
    background = Backdrop(np.full((8, 8, 3), 90, np.uint8)) if behind == "image" else None
    path = written(tmp_path / name, form, background)
    assert mark_of(path) == (COMPOSITE if behind == "image" else TRAINED)


@pytest.mark.parametrize(("form", "name"), [("mov", "a.mov"), ("webm", "a.webm"), ("png", "a.png")])
def test_a_transparent_head_is_no_composite(tmp_path: Path, form: str, name: str) -> None:
    image = Backdrop(np.full((8, 8, 3), 90, np.uint8))
    assert mark_of(written(tmp_path / name, form, image, alpha=True)) == TRAINED


def test_every_picture_of_a_folder_is_marked(tmp_path: Path) -> None:
    written(tmp_path / "frames", "png-frames", None)
    files = sorted((tmp_path / "frames").iterdir())
    assert len(files) == 5
    assert {mark_of(path) for path in files} == {TRAINED}


def test_the_mark_breaks_no_video(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", "mp4", None)
    kinds = [kind for kind, _ in boxes(path.read_bytes())]
    assert kinds.index(b"moov") < kinds.index(b"mdat")  # plays while it is being loaded
    assert kinds[-1] == b"uuid"  # behind all that players read
    with av.open(str(path), options={"err_detect": "explode"}) as file:
        assert sum(1 for _ in file.decode(video=0)) == 5
    with av.open(str(path), options={"err_detect": "explode"}) as file:
        assert sum(frame.samples for frame in file.decode(audio=0)) > 9000


def test_gaussians_are_marked(tmp_path: Path) -> None:
    from studio.engine.provenance import Provenance
    from studio.engine.splat_files import ply_bytes
    from tests.support import toy_avatar

    path = tmp_path / "a.ply"
    path.write_bytes(ply_bytes(toy_avatar(100).gaussians, Provenance("a")))
    assert mark_of(path) == TRAINED
