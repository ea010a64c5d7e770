"""How far a training run is, on one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from . import output


class Progress:
    """Shows step, losses since the last look, images a second and the time left.

    steps: of the whole run. images: a step takes. name: before the numbers.
    """

    def __init__(
        self,
        steps: int,
        images: int,
        line: output.Line | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps, self.images, self._clock = steps, images, clock
        self.line = line or output.Line()
        self._began: tuple[int, float] | None = None  # step and time at the end of the first step seen
        self._window: tuple[int, float] = (0, 0.0)  # step and time of the last look
        self._counted, self._sums = 0, dict[str, float]()  # of this epoch, at the last look

    def update(self, step: int, batch: int, logs: Mapping[str, float]) -> None:
        """After a step. batch: its number since Keras began to average `logs`."""
        now = self._clock()
        if self._began is None:  # the first step carries the tracing and tells nothing about speed
            self._began = self._window = (step, now)
        last = step >= self.steps
        if not (last or self.line.due()):
            return
        means = self._means(batch + 1, {name: float(value) for name, value in logs.items()})
        speed = _rate(self._window, step, now) * self.images
        pace = _rate(self._began, step, now)
        left = [f"{speed:,.0f} images/s"] if speed else []
        if last:
            left.append(f"done in {duration(now - self._began[1])}")
        elif pace:
            left.append(f"{duration((self.steps - step) / pace)} left")
        terms = [f"{name} {value:.3f}" for name, value in means.items()]
        self.line.show("  ".join([f"step {step:>{len(str(self.steps))}}/{self.steps}", *terms, *left]))
        self._window = (step, now)
        if last:
            self.line.close()

    def _means(self, count: int, logs: Mapping[str, float]) -> dict[str, float]:
        """Means since the last look, out of means since the epoch began."""
        if count <= self._counted:  # a new epoch
            self._counted, self._sums = 0, {}
        sums = {name: mean * count for name, mean in logs.items()}
        steps = count - self._counted
        means = {name: (total - self._sums.get(name, 0.0)) / steps for name, total in sums.items()}
        self._counted, self._sums = count, sums
        return means


def _rate(since: tuple[int, float], step: int, now: float) -> float:
    """Steps a second; 0 where there is nothing to tell from."""
    return (step - since[0]) / (now - since[1]) if step > since[0] and now > since[1] else 0.0


def duration(seconds: float) -> str:
    """ "42 s", "12:30" minutes, "1:02:30" hours."""
    seconds = round(seconds)
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d} h"
    return f"{minutes}:{seconds % 60:02d} min" if minutes else f"{seconds} s"
