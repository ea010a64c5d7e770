"""What verbs print with: text, tables and JSON on stdout, one moving line on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def say(text: str = "") -> None:
    """A result: a line on stdout."""
    click.echo(clean(text))


def note(text: str) -> None:
    """What is going on: a line on stderr."""
    click.echo(clean(text), err=True)


def say_json(value: Any) -> None:
    """A result for scripts, in ASCII, so that no pipe's encoding can stop it."""
    click.echo(json.dumps(value, indent=2))


def clean(text: str) -> str:
    """Text without control characters: a card from elsewhere must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table on stdout: fitted to a wide terminal, elsewhere on whole lines."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A narrow terminal breaks whole lines better than rich squeezes columns.
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    console = Console(width=wide if wide >= 100 else 10_000)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        justify: Any = "right" if column in right else "left"
        drawn.add_column(column, justify=justify, no_wrap=i < len(columns) - 1)
    for row in rows:
        drawn.add_row(*(Text(clean(cell)) for cell in row))  # Text: "train[:50000]" is no markup of rich's
    with console.capture() as captured:  # so that click prints it, and meets a closed pipe
        console.print(drawn)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def size(count: int) -> str:
    """A number of bytes as people read it, in powers of ten: "4.6 MB"."""
    if count < 1000:
        return f"{count} B"
    units = ("kB", "MB", "GB")
    power = min((len(str(count)) - 1) // 3, len(units))
    return f"{count / 1000**power:.1f} {units[power - 1]}"


class Line:
    """A line on stderr that moves: over itself on a terminal, elsewhere written anew every `seconds`."""

    def __init__(self, seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._terminal = clock, sys.stderr.isatty()
        self._pause = 0.2 if self._terminal else seconds
        self._shown: float | None = None  # when
        self._length = 0  # of what stands on the terminal's line

    def due(self) -> bool:
        """Whether it is time to show something again."""
        return self._shown is None or self._clock() - self._shown >= self._pause

    def show(self, text: str) -> None:
        self._shown = self._clock()
        if not self._terminal:
            note(text)
            return
        text = clean(text)[: shutil.get_terminal_size().columns - 1]
        click.echo("\r" + text.ljust(self._length), nl=False, err=True)
        self._length = len(text)

    def close(self) -> None:
        """Leaves the line as it stands; what follows begins on the next."""
        if self._length:
            click.echo(err=True)
            self._length = 0
