"""The line that moves, and what is on it."""

import io
import signal
import sys

import pytest

from keras_gans.cli import output, progress, signals


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (191_732, "191.7 kB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**12, "5000.0 GB"),
    ],
)
def test_sizes(count, text):
    assert output.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.6, "1:00 min"), (750, "12:30 min"), (3750, "1:02:30 h"), (90_000, "25:00:00 h")],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_off_a_terminal_lines_come_after_a_pause(monkeypatch):
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    line = output.Line(seconds=10.0, clock=clock)
    assert line.due()
    line.show("one")
    clock.now = 9.9
    assert not line.due()
    clock.now = 10.0
    assert line.due()
    line.show("two")
    line.close()
    assert stream.getvalue() == "one\ntwo\n"


def test_on_a_terminal_it_is_written_over(monkeypatch):
    stream, clock = Terminal(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "20")
    line = output.Line(clock=clock)
    line.show("a long line of text that is cut")
    line.show("short")
    line.close()
    line.close()
    assert stream.getvalue() == "\ra long line of text" + "\rshort" + " " * 14 + "\n"


def test_losses_are_means_since_the_last_look(monkeypatch):
    """Against the plain mean of each step's loss, over epochs whose logs are running means as Keras's are."""
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = progress.Progress(40, 8, output.Line(seconds=10.0, clock=clock), clock)
    losses = [(7 * step) % 11 + step / 10 for step in range(1, 41)]
    for step in range(1, 41):
        batch = (step - 1) % 6  # six steps an epoch
        if batch == 0:
            shown.epoch()
        clock.now += 1.0
        epoch = losses[step - 1 - batch : step]
        shown.update(step, batch, {"loss": sum(epoch) / len(epoch)})
    lines = stream.getvalue().splitlines()
    windows = [
        (0, 1),
        (1, 11),
        (11, 21),
        (21, 31),
        (31, 40),
    ]  # a look at the first step, then each ten seconds
    assert [line.split()[:4] for line in lines] == [
        [*f"step {last}/40".split(), "loss", f"{sum(losses[first:last]) / (last - first):.3f}"]
        if last > 9
        else ["step", f"{last}/40", "loss", f"{losses[0]:.3f}"]
        for first, last in windows
    ]
    assert lines[1].endswith("8 images/s  29 s left")
    assert lines[-1].endswith("8 images/s  done in 39 s")


def test_a_resumed_run_tells_its_own_speed(monkeypatch):
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = progress.Progress(1000, 10, output.Line(seconds=1.0, clock=clock), clock)
    shown.epoch()
    shown.update(901, 0, {"loss": 1.0})
    clock.now = 2.0
    shown.update(905, 4, {"loss": 1.0})
    assert stream.getvalue().splitlines()[1] == "step  905/1000  loss 1.000  20 images/s  48 s left"


def test_what_is_said_stands_on_a_line_of_its_own(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = progress.Progress(10, 8)
    shown.line.show("step 1")
    shown.say("a finding")
    shown.line.show("step 2")
    shown.line.close()
    assert stream.getvalue() == "\rstep 1\na finding\n\rstep 2\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_is_not(number):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    wish = signals.Wish()
    wish.begin()
    wish.begin()
    assert not wish()
    signal.raise_signal(number)
    assert wish()
    assert wish.number == number
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    wish.begin()  # an epoch that still begins takes nothing over again
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_wish_that_never_came_gives_the_signals_back():
    before = signal.getsignal(signal.SIGTERM)
    wish = signals.Wish()
    wish.begin()
    assert signal.getsignal(signal.SIGTERM) != before
    wish.end()
    assert signal.getsignal(signal.SIGTERM) == before
