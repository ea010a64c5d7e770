"""How far a training run is, on one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from . import output

Totals = tuple[int, dict[str, float]]  # steps, and each term's sum over them


class Progress:
    """Shows the step, the losses since the last look, images a second and the time left.

    Args:
        steps: of the whole run.
        images: a step takes.
        title: what stands before each line.
    """

    def __init__(
        self,
        steps: int,
        images: int,
        line: output.Line | None = None,
        clock: Callable[[], float] = time.monotonic,
        title: str = "",
    ) -> None:
        self.steps, self.images, self._clock, self._title = steps, images, clock, f"{title}: " if title else ""
        self.line = line or output.Line()
        self._began: tuple[int, float] | None = None  # step and time at the end of the first step
        self._look: tuple[int, float] = (0, 0.0)  # step and time of the last look
        self._shown: Totals = (0, {})  # at the last look
        self._epochs: Totals = (0, {})  # of the epochs that are over
        self._logs: tuple[int, Mapping[str, float]] = (0, {})  # of this epoch: steps, and means over them

    def epoch(self) -> None:
        """Before an epoch: Keras begins its means anew."""
        self._epochs, self._logs = self._totals(), (0, {})

    def update(self, step: int, batch: int, logs: Mapping[str, float]) -> None:
        """After a step: its number in the run (from 1) and in the epoch (from 0), and the epoch's means."""
        now, self._logs = self._clock(), (batch + 1, logs)
        if self._began is None:  # the first step carries the tracing and tells nothing about speed
            self._began = self._look = (step, now)
        if step < self.steps and not self.line.due():
            return
        parts = [
            f"{self._title}step {step:>{len(str(self.steps))}}/{self.steps}",
            *self._terms(),
            *self._pace(step, now),
        ]
        self.line.show("  ".join(parts))
        self._look = (step, now)

    def say(self, text: str) -> None:
        """A line of its own, below the one that moves."""
        self.line.close()
        output.note(text)

    def _terms(self) -> list[str]:
        """Each term's mean over the steps since the last look."""
        (count, sums), (before, old) = self._totals(), self._shown
        self._shown = (count, sums)
        steps = max(count - before, 1)
        return [f"{name} {(total - old.get(name, 0.0)) / steps:.3f}" for name, total in sums.items()]

    def _totals(self) -> Totals:
        count, means = self._logs
        over, sums = self._epochs
        names = means or sums
        added = {name: sums.get(name, 0.0) + count * float(means.get(name, 0.0)) for name in names}
        return over + count, added

    def _pace(self, step: int, now: float) -> list[str]:
        assert self._began is not None
        speed, overall = _rate(self._look, step, now), _rate(self._began, step, now)
        shown = [f"{speed * self.images:,.0f} images/s"] if speed else []
        if step >= self.steps:
            return [*shown, f"done in {duration(now - self._began[1])}"]
        return [*shown, f"{duration((self.steps - step) / overall)} left"] if overall else shown


def _rate(since: tuple[int, float], step: int, now: float) -> float:
    """Steps a second; 0 where there is nothing to tell from."""
    return (step - since[0]) / (now - since[1]) if step > since[0] and now > since[1] else 0.0


def duration(seconds: float) -> str:
    """ "42 s", "12:30 min", "1:02:30 h"."""
    seconds = round(seconds)
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d} h"
    return f"{minutes}:{seconds % 60:02d} min" if minutes else f"{seconds} s"
