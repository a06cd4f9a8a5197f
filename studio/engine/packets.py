"""Decoding that survives damage: a few bad packets of a file are passed over, many are an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import av
import av.error

from studio.errors import StudioError

MAX_BAD = 0.02
"""Bad packets per good one, beyond the first two, that are passed over: encoders often leave one at an end."""

Frame = TypeVar("Frame", av.AudioFrame, av.VideoFrame)


def decoded(
    container: av.container.InputContainer, stream: av.AudioStream | av.VideoStream, kind: type[Frame], path: Path
) -> Iterator[Frame]:
    """Frames of a stream in the order in which they are heard or shown.

    Args:
        container: opened, at the packet to begin with.
        stream: of the container.
        kind: what the stream decodes to.
        path: of the file, for messages.

    Raises:
        StudioError: too much of the file is damaged.
    """
    what = "sound" if kind is av.AudioFrame else "picture"
    good = bad = 0
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                bad += 1
                if bad > 2 + MAX_BAD * good:
                    raise StudioError(
                        f"{path} is damaged: its {what} cannot be decoded; copy or export it again."
                    ) from error
                continue
            good += 1
            yield from (frame for frame in frames if isinstance(frame, kind))
    except av.error.FFmpegError as error:
        raise StudioError(f"{path} is damaged: its {what} cannot be read; copy or export it again.") from error
