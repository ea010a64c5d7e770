"""DiffAugment (Zhao et al. 2020): every image that the discriminator sees, real or generated, is disturbed by a random
differentiable map, so that it cannot learn a small data set by heart.

Each policy maps images (n, h, w, c), float32, and uniform numbers (n, 3) to images of the same shape.
"""

from keras import ops


def color(images, u):
    """Brightness by +-0.5, saturation by 0..2, contrast by 0.5..1.5 (section 4.1 and its released settings)."""
    shift, saturation, contrast = (u[:, i, None, None, None] for i in range(3))
    images = images + (shift - 0.5)
    grey = ops.mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2.0 * saturation) + grey
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def translation(images, u, ratio=0.125):
    """Shifts by up to an eighth of the size, zeros coming in.

    A shift is a product with a 0/1 matrix on each side: its gradient is again a matrix product, where a gather's
    would be a scatter, slow and not deterministic on a GPU.
    """
    height, width = images.shape[1:3]
    return _moved(images, _shifts(u[:, 0], height, ratio), _shifts(u[:, 1], width, ratio))


def _moved(images, rows, columns):
    """Images (n, h, w, c) by matrices (n, h', h) and (n, w', w), a row of which picks a row or a column of an image."""
    images = ops.einsum("nih,nhwc->niwc", rows, images)
    return ops.einsum("njw,niwc->nijc", columns, images)


def _shifts(u, size, ratio):
    """(n,) uniform -> (n, size, size): row i of matrix k picks source row i + shift of sample k, or nothing."""
    reach = int(size * ratio + 0.5)
    return _picks(ops.floor(u * (2 * reach + 1)) - reach, size, size)


def _picks(shift, size, side):
    """(n,) whole numbers -> (n, side, size): row i of matrix k picks source row i + shift of sample k, or nothing."""
    wanted = ops.arange(side, dtype="float32")[None, :, None] + shift[:, None, None]
    return ops.cast(ops.equal(ops.arange(size, dtype="float32")[None, None, :], wanted), "float32")


def crop(images, u, less):
    """A part, `less` pixels smaller on both sides, at a random place: images (n, h, w, c), u (n, 2) in [0, 1)."""
    height, width = images.shape[1:3]
    start = ops.floor(u * (less + 1))
    rows, columns = (_picks(start[:, i], side, side - less) for i, side in enumerate((height, width)))
    return _moved(images, rows, columns)


def cutout(images, u, ratio=0.5):
    """A square of half the size, at a random place (it may hang over the edge), becomes zero."""
    height, width = images.shape[1:3]
    rows = _outside(u[:, 0], height, ratio)[:, :, None]
    columns = _outside(u[:, 1], width, ratio)[:, None, :]
    return images * ops.maximum(rows, columns)[..., None]


def _outside(u, size, ratio):
    """(n, size): 1 outside the hole's range of rows, 0 within it."""
    length = int(size * ratio + 0.5)
    start = ops.floor(u * (size + 1 - length % 2)) - length // 2
    places = ops.arange(size, dtype="float32")[None, :] - start[:, None]
    return 1.0 - ops.cast(ops.logical_and(places >= 0, places < length), "float32")


POLICIES = {"color": color, "translation": translation, "cutout": cutout}


def check(augment):
    """A tuple of policy names, checked."""
    names = (augment,) if isinstance(augment, str) else tuple(augment or ())
    for name in names:
        if name not in POLICIES:
            raise ValueError(f"augment takes the policies {', '.join(POLICIES)}, got {name!r}")
    return names


def diff_augment(images, augment, noise):
    """Images (n, h, w, c) disturbed by each policy of the tuple `augment`, with numbers from `noise`."""
    n = images.shape[0] or ops.shape(images)[0]
    for name in augment:
        images = POLICIES[name](images, noise.uniform((n, 3)))
    return images
