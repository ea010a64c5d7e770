"""Initial weights with which a super-resolution network enlarges as bilinear interpolation does.

A network that begins at random spends thousands of steps on learning to repeat the small image's colours, while batch
statistics shift them from batch to batch: after 2,000 steps it was worse than bicubic, after 200 from here better
(docs/decisions.md). The paper does not say how its networks begin.
"""

import numpy as np

COLOURS = 3
CARRIED = 2 * COLOURS  # the first channels: of each colour, and of its negative
PLUS, MINUS = np.arange(0, CARRIED, 2), np.arange(1, CARRIED, 2)


def begin(network, scale, blocks, shuffles, slope):
    """Sets some of the first weights of `srgan.generator`'s network; the others stay random.

    Six channels carry the colours c, in [0, 1], as c - 1/2 and 1/2 - c: their difference, which the last convolution
    takes, passes any PReLU but for a factor. The shuffles repeat pixels, and the last kernel is a box. What each
    block adds, and all blocks together, begins at 0 (Goyal et al. 2017, section 5.1, do so in a ResNet's blocks).
    A network of fewer than six channels stays as it is.

    Args:
        network: with convolutions "first", "up_0", ... and "last"; its last kernel is 9x9.
        scale: 2, 3 or 4.
        blocks: how many it has.
        shuffles: of each `PixelShuffle`, by how much it enlarges.
        slope: of all PReLUs, for numbers below 0.
    """
    if network.get_layer("first").filters < CARRIED:
        return
    for name in [f"block_{i}_norm_1" for i in range(blocks)] + ["norm_middle"]:
        gamma = network.get_layer(name).gamma
        gamma.assign(np.zeros(gamma.shape))
    _set(network.get_layer("first"), _take)
    for i, times in enumerate(shuffles):
        _set(network.get_layer(f"up_{i}"), lambda kernel, bias, times=times: _repeat(kernel, times))
    size = 2 / (1 + slope ** (1 + len(shuffles)))  # of [-1, 1], by what the PReLUs leave of numbers below 0
    _set(network.get_layer("last"), lambda kernel, bias: _join(kernel, size * _box(scale)))


def _set(layer, change):
    """change: of (kernel, bias), two arrays, in place."""
    weights = [np.array(weight) for weight in layer.get_weights()]
    change(*weights)
    layer.set_weights(weights)


def _take(kernel, bias):
    """Each colour, less a half, and the negative of that."""
    middle, colour = kernel.shape[0] // 2, np.arange(COLOURS)
    kernel[..., :CARRIED] = 0
    kernel[middle, middle, colour, PLUS], kernel[middle, middle, colour, MINUS] = 1, -1
    bias[PLUS], bias[MINUS] = -1 / 2, 1 / 2


def _repeat(kernel, times):
    """Every carried channel to each of the places that a `PixelShuffle` makes of a pixel."""
    middle, places = kernel.shape[0] // 2, np.arange(times**2) * (kernel.shape[-1] // times**2)
    for channel in range(CARRIED):
        kernel[..., places + channel] = 0
        kernel[middle, middle, channel, places + channel] = 1


def _join(kernel, smooth):
    """Each colour's difference, smoothed by `smooth` of the kernel's height and width."""
    kernel[:, :, :CARRIED] = 0
    for colour in range(COLOURS):
        kernel[:, :, PLUS[colour], colour], kernel[:, :, MINUS[colour], colour] = smooth, -smooth


def _box(scale, side=9):
    """(side, side), of sum 1: of pixels that were repeated `scale` times it makes what bilinear interpolation does.

    As wide as a repeated pixel; of an even number both ends count half.
    """
    far = np.abs(np.arange(side) - side // 2)
    line = np.clip((scale + 1) / 2 - far, 0, 1) / scale
    return np.outer(line, line)
