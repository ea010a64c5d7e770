"""Adversarial losses: pairs of plain functions on logits, each a scalar to be minimised.

`discriminator(real, fake, smoothing)` and `generator(fake)` take the discriminator's logits, (n, 1) or (n,), of real
and of generated images. `smoothing` is one-sided label smoothing (Salimans et al. 2016, section 3.4): the target
for real images is 1 - smoothing, the target for generated ones stays 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

Tensor = Any


class AdversarialLoss(NamedTuple):
    """What each player minimises. `smooths` says whether the loss knows label smoothing."""

    discriminator: Callable[..., Tensor]
    generator: Callable[[Tensor], Tensor]
    smooths: bool = False


def log_sigmoid_discriminator(real, fake, smoothing=0.0):
    """-E log D(x) - E log(1 - D(G(z))), with D = sigmoid(logit) (Goodfellow et al. 2014, equation 1)."""
    on_real = (1.0 - smoothing) * ops.softplus(-real) + smoothing * ops.softplus(real)
    return ops.mean(on_real) + ops.mean(ops.softplus(fake))


def minimax_generator(fake):
    """E log(1 - D(G(z))) (Goodfellow et al. 2014, equation 1). Its gradient vanishes where the discriminator wins."""
    return -ops.mean(ops.softplus(fake))


def non_saturating_generator(fake):
    """-E log D(G(z)) (Goodfellow et al. 2014, end of section 3)."""
    return ops.mean(ops.softplus(-fake))


def hinge_discriminator(real, fake, smoothing=0.0):
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye 2017; Miyato et al. 2018, equation 16)."""
    return ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake))


def least_squares_discriminator(real, fake, smoothing=0.0):
    """(E (D(x) - 1)^2 + E D(G(z))^2) / 2 (Mao et al. 2017, equation 9)."""
    return 0.5 * (ops.mean(ops.square(real - (1.0 - smoothing))) + ops.mean(ops.square(fake)))


def least_squares_generator(fake):
    """E (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return 0.5 * ops.mean(ops.square(fake - 1.0))


def wasserstein_discriminator(real, fake, smoothing=0.0):
    """E D(G(z)) - E D(x) (Arjovsky et al. 2017, equation 2)."""
    return ops.mean(fake) - ops.mean(real)


def linear_generator(fake):
    """-E D(G(z)): the generator of the Wasserstein and of the hinge game."""
    return -ops.mean(fake)


LOSSES = {
    "minimax": AdversarialLoss(log_sigmoid_discriminator, minimax_generator, smooths=True),
    "non_saturating": AdversarialLoss(log_sigmoid_discriminator, non_saturating_generator, smooths=True),
    "hinge": AdversarialLoss(hinge_discriminator, linear_generator),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator, smooths=True),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, linear_generator),
}


def get(loss):
    """The AdversarialLoss of a name, or of two functions: discriminator(real, fake, smoothing) and generator(fake)."""
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if isinstance(loss, AdversarialLoss):
        return loss
    if isinstance(loss, (tuple, list)) and len(loss) == 2 and all(callable(part) for part in loss):
        return AdversarialLoss(*loss, smooths=True)
    raise ValueError(
        f"loss must be one of {', '.join(LOSSES)}, or a pair of functions (discriminator, generator), got {loss!r}"
    )
