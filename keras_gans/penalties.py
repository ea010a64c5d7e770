"""Gradient penalties: terms that are added to the discriminator's loss.

Each takes a function `slope` that gives d D(x) / dx at images x (n, h, w, c).
"""

from keras import ops


def _squared_norms(gradient):
    """(n, ...) -> (n,): the squared Euclidean norm of each sample's gradient."""
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


def r1(slope, real, fake, mix):
    """E ||d D(x) / dx||^2 / 2 on real images (Mescheder et al. 2018, equation 9, without its weight gamma)."""
    return 0.5 * ops.mean(_squared_norms(slope(real)))


def r2(slope, real, fake, mix):
    """The same on generated images (Mescheder et al. 2018, equation 10)."""
    return 0.5 * ops.mean(_squared_norms(slope(fake)))


def gradient_penalty(slope, real, fake, mix):
    """E (||d D(x) / dx|| - 1)^2 at x = mix * real + (1 - mix) * fake (Gulrajani et al. 2017, equation 3).

    `mix` is uniform on [0, 1), of shape (n, 1, 1, 1).
    """
    between = mix * real + (1.0 - mix) * fake
    # The square root's gradient is infinite at 0.
    norms = ops.sqrt(_squared_norms(slope(between)) + 1e-12)
    return ops.mean(ops.square(norms - 1.0))


PENALTIES = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty}


def check(penalties):
    """A dict of name -> weight, checked."""
    penalties = dict(penalties or {})
    for name, weight in penalties.items():
        if name not in PENALTIES:
            raise ValueError(f"penalties must be among {', '.join(PENALTIES)}, got {name!r}")
        if not isinstance(weight, (int, float)) or not weight >= 0:
            raise ValueError(f"the weight of {name} must be a number of at least 0, got {weight!r}")
    return penalties


def terms(penalties, slope, real, fake, noise):
    """{name: weight * penalty} for each of `penalties`.

    Args:
        penalties: dict of name -> weight.
        slope: see above.
        real, fake: images (n, h, w, c), as the discriminator sees them.
        noise: `random.Noise`.
    """
    if not penalties:
        return {}
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")  # a generator's may be of half precision
    mix = noise.uniform((real.shape[0] or ops.shape(real)[0], 1, 1, 1))
    return {name: weight * PENALTIES[name](slope, real, fake, mix) for name, weight in penalties.items()}
