"""Random numbers that are a function of (seed, step, player, sample) and of nothing else.

Inside a train step: the counter-based generator Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", SC 2011), written with `keras.ops`, so that every backend, every split over
replicas and every resumed run draws the same numbers. When sampling: NumPy's Philox, keyed by (seed, i).
"""

import contextlib
import contextvars
import copy
import functools
import math

import numpy as np

PRIORS = ("uniform", "normal")

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_POSITIONS = 1 << 20  # counters that one draw may use for each sample


def threefry(key, counter):
    """Threefry-2x32-20 of two pairs of uint32 tensors (that broadcast): a pair of uint32 tensors."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return _threefry(*key, *counter)
    import tensorflow as tf

    drawn = _one_operation()(*key, *counter)
    shape = functools.reduce(tf.broadcast_static_shape, (x.shape for x in (*key, *counter)))
    for words in drawn:
        words.set_shape(shape)
    return drawn


@functools.cache
def _one_operation():
    """`_threefry` as a function that TensorFlow knows by name.

    A train step draws some ten times, and each time would be 140 operations more to write down: a third of the time
    that passes before the first step.
    """
    import tensorflow as tf

    words = tf.TensorSpec(None, "uint32")
    with tf.init_scope():
        return tf.function(_threefry, autograph=False).get_concrete_function(words, words, words, words)


def _threefry(key_a, key_b, a, b):
    from keras import ops

    def word(value):
        return ops.convert_to_tensor(value, dtype="uint32")

    def rotate(x, bits):
        return ops.bitwise_or(ops.left_shift(x, word(bits)), ops.right_shift(x, word(32 - bits)))

    keys = (key_a, key_b, ops.bitwise_xor(ops.bitwise_xor(key_a, key_b), word(_PARITY)))
    a, b = a + keys[0], b + keys[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            a = a + b
            b = ops.bitwise_xor(rotate(b, bits), a)
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + word(group + 1)
    return a, b


class Noise:
    """A stream of draws for one turn of one player.

    Args:
        seed: int, the run's seed.
        player: int, which player's turn it is.
        step: int or uint32 scalar tensor, the number of the step.
        first: int or uint32 scalar tensor, the global index of this replica's first sample.
        part: int or uint32 scalar tensor, which of `parts` micro-batches it draws for, as below.
        parts: int, how many micro-batches a replica goes through one after the other: sample i of micro-batch `part`
            is sample part + parts * i of the replica.

    Each draw has shape `(n, ...)`, and its row i is a function of (seed, player, step, number of the draw) and of the
    sample's global index, first + part + parts * i.
    """

    def __init__(self, seed, player, step, first=0, part=0, parts=1):
        from keras import ops

        def scalar(value):
            return ops.cast(ops.convert_to_tensor(value), "uint32")

        self.key = threefry((scalar(seed), scalar(player)), (scalar(step), scalar(0)))
        self.first, self.part, self.parts = scalar(first), scalar(part), parts
        self.draws = 0

    def of_pairs(self):
        """The stream for what is made of two samples each, of an even number of them on each replica.

        It begins with the number of the draw that this one stands at, and does not move it.
        """
        from keras import ops

        other = copy.copy(self)
        other.first = ops.right_shift(self.first, ops.convert_to_tensor(1, "uint32"))
        return other

    def _words(self, n, count):
        """`count` pairs of words for each of n samples: two uint32 tensors (n, count)."""
        from keras import ops

        if count > _POSITIONS:
            raise ValueError(f"one draw gives at most {2 * _POSITIONS} numbers a sample, asked for {2 * count}")
        start = self.draws * _POSITIONS
        self.draws += 1
        own = ops.cast(ops.arange(n, dtype="int32") * self.parts, "uint32")
        samples = own + self.part + self.first
        places = ops.cast(ops.arange(start, start + count, dtype="int32"), "uint32")
        counter = (
            ops.broadcast_to(samples[:, None], (n, count)),
            ops.broadcast_to(places[None, :], (n, count)),
        )
        return threefry(self.key, counter)

    def uniform(self, shape, low=0.0, high=1.0):
        """float32 in [low, high)."""
        from keras import ops

        n, size = shape[0], math.prod(shape[1:])
        words = ops.concatenate(self._words(n, (size + 1) // 2), axis=1)[:, :size]
        return ops.reshape(_unit(words) * (high - low) + low, shape)

    def normal(self, shape):
        """float32, mean 0, variance 1 (Box and Muller 1958)."""
        from keras import ops

        n, size = shape[0], math.prod(shape[1:])
        a, b = self._words(n, (size + 1) // 2)
        radius = ops.sqrt(-2.0 * ops.log(_unit(a) + 2.0**-25))  # the offset keeps log away from 0
        angle = 2.0 * math.pi * _unit(b)
        both = ops.concatenate((radius * ops.cos(angle), radius * ops.sin(angle)), axis=1)
        return ops.reshape(both[:, :size], shape)

    def keep(self, shape, rate):
        """bool: False with probability `rate`, to within 2**-16: a quarter of a draw for each number."""
        from keras import ops

        n, size = shape[0], math.prod(shape[1:])
        half, low = ops.convert_to_tensor(16, "uint32"), ops.convert_to_tensor(0xFFFF, "uint32")
        pair = self._words(n, (size + 3) // 4)
        parts = [*(ops.right_shift(x, half) for x in pair), *(ops.bitwise_and(x, low) for x in pair)]
        threshold = ops.convert_to_tensor(round(rate * 2**16), "uint32")
        return ops.reshape(ops.concatenate(parts, axis=1)[:, :size] >= threshold, shape)

    def latents(self, n, dim, prior):
        """(n, dim) from the prior "uniform" on [-1, 1) or "normal"."""
        return self.normal((n, dim)) if prior == "normal" else self.uniform((n, dim), -1.0, 1.0)


def _unit(words):
    """The upper 24 bits of each uint32 as a float32 in [0, 1)."""
    from keras import ops

    return ops.cast(ops.right_shift(words, ops.convert_to_tensor(8, "uint32")), "float32") * 2.0**-24


_current: contextvars.ContextVar[Noise | None] = contextvars.ContextVar("noise", default=None)


@contextlib.contextmanager
def scope(noise):
    """Layers that draw (Dropout) take their numbers from `noise` within this block."""
    token = _current.set(noise)
    try:
        yield noise
    finally:
        _current.reset(token)


def current():
    """The Noise of the innermost `scope`, or None."""
    return _current.get()


def sample_latents(n, seed, dim, prior="uniform", truncation=None, start=0):
    """Latents to sample with: float32 (n, dim); row i is a function of (seed, start + i) alone.

    Args:
        n: how many.
        seed: int >= 0.
        dim: the latent dimension.
        prior: "uniform" on [-1, 1], or "normal".
        truncation: None, or a number > 0. A uniform prior is scaled to +-min(1, truncation); of a normal one,
            values beyond +-truncation are drawn again (Brock et al. 2019, section 3.1).
        start: index of the first row.
    """
    check_whole("n", n)
    check_whole("start", start)
    return latents_at(range(start, start + n), seed, dim, prior, truncation)


def latents_at(indices, seed, dim, prior="uniform", truncation=None):
    """float32 (len(indices), dim): of each index the row that `sample_latents` gives it."""
    check_prior(prior)
    check_whole("seed", seed)
    if truncation is not None and not truncation > 0:
        raise ValueError(f"truncation must be a number above 0, got {truncation!r}")
    bits = np.random.Philox(key=[seed, 0])
    generator, fresh = np.random.Generator(bits), bits.state
    rows = np.empty((len(indices), dim), "float32")
    for row, index in zip(rows, indices, strict=True):
        fresh["state"]["key"][1] = index
        bits.state = fresh  # as Philox(key=[seed, index]) begins, in half the time
        row[:] = _row(generator, dim, prior, truncation)
    return rows


def check_whole(name, value):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"{name} must be a whole number of at least 0, got {value!r}")


def check_prior(prior):
    if prior not in PRIORS:
        raise ValueError(f"prior must be one of {', '.join(PRIORS)}, got {prior!r}")


def _row(generator, dim, prior, truncation):
    if prior == "uniform":
        return generator.uniform(-1.0, 1.0, dim) * (1.0 if truncation is None else min(1.0, truncation))
    row = generator.standard_normal(dim)
    while truncation is not None and (far := np.abs(row) > truncation).any():
        row[far] = generator.standard_normal(far.sum())
    return row
