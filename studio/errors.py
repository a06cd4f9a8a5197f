"""The one exception type whose text is meant for people.

Anything that can go wrong because of a file, a device or a value the user gave raises `StudioError` with a
single sentence: which file or value, what is wrong with it, what to do. The command line prints it and exits
with 1; the studio shows it in a dialog. Every other exception is a defect and keeps its traceback.
"""


class StudioError(Exception):
    """A failure that the user can understand and act on; `str(error)` is one sentence without a traceback."""
