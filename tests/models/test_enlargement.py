"""How a super-resolution network begins."""

import keras
import numpy as np
import pytest

from keras_gans.models import srgan


def network(scale, width=8, blocks=2):
    keras.utils.set_random_seed(scale)
    return srgan.generator(scale, blocks, width)


def norms(net, blocks=2):
    return [net.get_layer(name) for name in (*(f"block_{i}_norm_1" for i in range(blocks)), "norm_middle")]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_enlarges_as_bilinear_interpolation(scale, rng):
    net = network(scale)
    small = rng.integers(0, 256, (2, 7, 9, 3)).astype("float32")
    drawn = np.asarray(net(small))
    assert np.abs(drawn).max() < 1.2  # the other channels are a little noise

    last = net.get_layer("last")
    kernel, bias = last.get_weights()
    kernel[:, :, 6:] = 0  # no other channel
    last.set_weights([kernel, bias])
    inside = slice(2 * scale, -2 * scale)
    wanted = keras.ops.image.resize(small, (7 * scale, 9 * scale), interpolation="bilinear")
    found, wanted = (np.asarray(x)[:, inside, inside] for x in (net(small), wanted))
    np.testing.assert_allclose(found, wanted / 127.5 - 1, atol=1e-5)
    np.testing.assert_allclose(drawn[:, inside, inside], found, atol=0.1)


def test_its_blocks_add_nothing_at_first_and_learn(rng):
    model = srgan.SRResNet(scale=2, blocks=2, width=8)
    model.compile(keras.optimizers.SGD(0.1))
    assert all(not np.asarray(layer.gamma).any() for layer in norms(model.network))
    before = np.asarray(model.network.get_layer("block_0_conv_0").kernel)
    small, large = (rng.integers(0, 256, (4, side, side, 3), dtype="uint8") for side in (6, 12))
    model.fit((small, large), batch_size=4, epochs=4, verbose=0)
    assert all(np.asarray(layer.gamma).any() for layer in norms(model.network))
    assert np.abs(np.asarray(model.network.get_layer("block_0_conv_0").kernel) - before).max() > 0


def test_too_narrow_a_network_begins_as_an_even_grey(rng):
    net = network(2, width=5)
    assert all((np.asarray(layer.gamma) == 1).all() for layer in norms(net))
    assert np.abs(np.asarray(net(rng.integers(0, 256, (1, 8, 8, 3)).astype("float32")))).max() < 0.3
