"""Ctrl-C and SIGTERM as a wish that a training run grants when a step is over."""

from __future__ import annotations

import signal
from typing import Any


class Wish:
    """Between begin() and end() the first Ctrl-C or SIGTERM makes `wish()` true; the second acts as ever.

    number: the signal that came, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.number is not None

    def begin(self) -> None:
        """Takes the signals over, once."""
        if self._before or self.number is not None:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._came)

    def end(self) -> None:
        """Gives them back."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _came(self, number: int, frame: object) -> None:
        self.number = number
        self.end()
