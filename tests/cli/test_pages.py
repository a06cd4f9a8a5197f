"""Every command that the pages show is one that the program knows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from studio import cli

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words after `emozone`, of each line of a page's shell blocks that runs it."""
    found = []
    for block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        for line in block.splitlines():
            _, ours, rest = (
                line.split(" #")[0].split(" > ")[0].replace("-m studio.cli ", "emozone ").partition("emozone ")
            )
            if ours:
                found.append(shlex.split(rest))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_a_page_shows_are_understood(page: str) -> None:
    for words in commands(page):
        assert cli.parser().parse_args(cli._join_signed(words)).run, words


def test_pages_show_commands() -> None:
    assert len(commands("README.md")) >= 10
    assert sum(len(commands(page)) for page in PAGES) >= 30
