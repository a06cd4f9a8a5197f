"""What the queue says about its jobs."""

from __future__ import annotations

from studio.widgets.exports.jobs import Job, State


def duration(seconds: float) -> str:
    """12 s, 3 min 05 s, 1 h 02 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def estimate(seconds: float) -> str:
    """An estimate is no more exact than 5 s, from two minutes on 30 s, from ten on a minute."""
    step = 5.0 if seconds < 120 else 30.0 if seconds < 600 else 60.0
    return duration(max(1.0, round(seconds / step)) * step).removesuffix(" 00 s")


def summary(job: Job) -> str:
    """Format, size, rate, range and camera in one line."""
    wish, form = job.wish, job.wish.format
    kind = {"mp4": "MP4", "mov": "MOV", "webm": "WebM"}.get(form.id, form.suffix.lstrip(".").upper())
    parts = [f"{kind} with transparency" if wish.alpha else kind]
    if form.content != "splats":
        parts.append(f"{wish.width} × {wish.height}")
    if form.single:
        parts.append(f"at {wish.start_s:.2f} s")
    else:
        parts += [f"{wish.fps:g} fps", f"{wish.start_s:.2f}–{wish.end_s:.2f} s"]
    if form.content != "splats" and wish.camera_name:
        parts.append(wish.camera_name)
    return "  ·  ".join(parts)


def standing(job: Job) -> str:
    """Where the job stands, in a word or a share."""
    if job.state is State.RUNNING:
        if job.cancel.is_set():
            return "Stopping…"
        if job.progress is None:
            return "Starting…"
        return f"{100 * job.progress.frames // job.progress.total} %"
    return str(job.state.value)


def note(job: Job, seconds_left: float | None) -> str:
    """What there is to know beside that: time left, the result, or why it failed."""
    left = "" if seconds_left is None else f"{duration(seconds_left)}"
    if job.state is State.RUNNING:
        if job.progress is None:
            return "Drawing the first frames"
        frames = f"Frame {job.progress.frames} of {job.progress.total}"
        return f"{frames}  ·  {left} left" if left else frames
    if job.state is State.WAITING:
        return f"About {left} when its turn comes" if left else "Runs when its turn comes"
    if job.state is State.FAILED:
        return job.error
    if job.report is not None:
        report = job.report
        frames = "1 frame" if report.frames == 1 else f"{report.frames} frames"
        return f"{frames}, {report.size_bytes / 1e6:.1f} MB in {duration(report.elapsed_s)}"
    return "Nothing was written" if job.state is State.STOPPED else "Start it here, or all with the button below"
