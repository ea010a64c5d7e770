"""What players compute in common when several of them take their turn at once, each thing once.

Within a `block`, each player's terms are computed, one player after the other. A method decorated with `once` gives a
player's k-th call with the same arguments (the same objects, not equal ones) what the player before it got from its
k-th: the same tensors, and so the same latents, dropout masks and augmentations. What none before it asked for is
computed.
"""

import collections
import contextlib
import contextvars
import functools


class Kept:
    """Results of a block by method and arguments, in the order in which they were asked for."""

    def __init__(self):
        self._results = collections.defaultdict(list)
        self._asked = collections.Counter()  # by the player whose terms are being computed

    def next_player(self):
        """From here on it is another player's terms that are computed."""
        self._asked.clear()

    def result(self, method, *arguments):
        """What `method` gave for these arguments when it was asked for them as often before, or gives now."""
        key = _key(method, arguments)
        results, number = self._results[key], self._asked[key]
        self._asked[key] += 1
        if number == len(results):
            results.append((method(*arguments), arguments))  # kept, so that no other object takes their ids
        return results[number][0]

    def latest(self, method, *arguments):
        """The last result of a method for these arguments, or None."""
        results = self._results.get(_key(method, arguments))
        return results[-1][0] if results else None


def _key(method, arguments):
    return (method, *map(id, arguments))


_kept: contextvars.ContextVar[Kept | None] = contextvars.ContextVar("kept", default=None)


@contextlib.contextmanager
def _scope(kept):
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def block():
    """A context that keeps results. It gives the `Kept` that is to be told of each player."""
    return _scope(Kept())


def apart():
    """A context in which everything is computed anew and nothing is kept: for what is differentiated by its input."""
    return _scope(None)


def latest(method, *arguments):
    """What a method decorated with `once` last gave within the block for these arguments, or None."""
    kept = _kept.get()
    return None if kept is None else kept.latest(method.__wrapped__, *arguments)


def once(method):
    """Decorates a method that takes positional arguments, of those that a family's terms are written with."""

    @functools.wraps(method)
    def shared_method(self, *arguments):
        kept = _kept.get()
        return method(self, *arguments) if kept is None else kept.result(method, self, *arguments)

    return shared_method
