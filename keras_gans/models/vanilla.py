"""Generative Adversarial Nets (Goodfellow et al. 2014), as its released code has them.

The paper's result: 225 +- 2 nats on MNIST by a Parzen window (table 1), a measure that later work showed to rank
models wrongly (Theis et al. 2016).
"""

import math

import keras

from keras_gans.layers import Dropout, Maxout
from keras_gans.models import build
from keras_gans.training.game import AdversarialModel


def generator(size, channels, latent, units, name="generator"):
    """z (n, latent) -> images (n, size, size, channels) in [0, 1]: two layers of ReLU, then sigmoid."""
    # The released code draws weights uniformly from +-.05.
    uniform = {"kernel_initializer": keras.initializers.RandomUniform(-0.05, 0.05)}
    z = keras.Input((latent,), name="z")
    x = keras.layers.Rescaling(math.sqrt(3), name="unit_variance")(z)  # the paper's z is uniform on +-sqrt(3)
    for i, width in enumerate(units):
        x = keras.layers.Dense(width, activation="relu", name=f"dense_{i}", **uniform)(x)  # (n, width)
    x = keras.layers.Dense(size * size * channels, name="pixels", **uniform)(x)
    x = keras.layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    x = keras.layers.Reshape((size, size, channels), name="image")(x)  # (n, size, size, channels)
    return keras.Model(z, x, name=name)


def discriminator(size, channels, units, pieces, dropout, name="discriminator"):
    """Images (n, size, size, channels) -> logits (n, 1): two layers of maxout, dropout before each layer."""
    uniform = {"kernel_initializer": keras.initializers.RandomUniform(-0.005, 0.005)}
    image = keras.Input((size, size, channels), name="image")
    x = keras.layers.Flatten(name="flatten")(image)
    x = Dropout(dropout[0], name="dropout_in")(x)
    for i in range(2):
        x = Maxout(units, pieces, name=f"maxout_{i}", **uniform)(x)  # (n, units)
        x = Dropout(dropout[1], name=f"dropout_{i}")(x)
    logit = keras.layers.Dense(1, dtype="float32", name="logit", **uniform)(x)  # (n, 1)
    return keras.Model(image, logit, name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class VanillaGAN(AdversarialModel):
    """The first GAN: fully connected players, a generator of ReLUs and a discriminator of maxout with dropout.

    Args:
        size: height and width of the images.
        channels: 1 or 3.
        latent: latent dimension; z is uniform on [-1, 1].
        generator_units: widths of the generator's hidden layers, at least one.
        discriminator_units: maxout units in each of the discriminator's two hidden layers.
        pieces: linear pieces of each maxout unit.
        dropout: rates on the discriminator's input and on its hidden layers, in [0, 1).
        dtype: None, or a Keras policy such as "mixed_bfloat16".
    """

    paper = {
        "title": "Generative Adversarial Nets",
        "authors": "Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio",
        "year": 2014,
        "url": "https://arxiv.org/abs/1406.2661",
    }
    value_range = (0.0, 1.0)

    def __init__(
        self,
        size=28,
        channels=1,
        latent=100,
        generator_units=(1200, 1200),
        discriminator_units=240,
        pieces=5,
        dropout=(0.2, 0.5),
        dtype=None,
        name="vanilla_gan",
    ):
        super().__init__(name=name)
        build.check_choice("channels", channels, (1, 3))
        for argument, value in {
            "size": size,
            "latent": latent,
            "discriminator_units": discriminator_units,
            "pieces": pieces,
        }.items():
            build.check_count(argument, value)
        build.check_counts("generator_units", generator_units)
        build.check_rates("dropout", dropout, length=2)
        self.image_shape, self.latent = (size, size, channels), latent
        self._arguments = {
            "size": size,
            "channels": channels,
            "latent": latent,
            "generator_units": list(generator_units),
            "discriminator_units": discriminator_units,
            "pieces": pieces,
            "dropout": list(dropout),
            "dtype": dtype,
        }
        with build.precision(dtype):
            drawing = generator(size, channels, latent, generator_units)
            judging = discriminator(size, channels, discriminator_units, pieces, dropout)
        with build.precision("float32"):
            average = generator(size, channels, latent, generator_units, name="ema_generator")
        self.set_players(drawing, judging, average)

    # Algorithm 1 of the paper. `fit` repeats: `discriminator_steps` times the first, once the second.

    def discriminator_terms(self, batch):
        """Real images x and as many G(z): ascend log D(x) + log(1 - D(G(z)))."""
        real, fake = self.augment(batch.images), self.augment(self.imagine(batch))
        return self.discriminator_loss(real, fake, batch.labels)

    def generator_terms(self, batch):
        """As many G(z): ascend log D(G(z)), which has a gradient where descending log(1 - D(G(z))) has none."""
        return self.generator_loss(self.augment(self.imagine(batch)), batch.labels)

    def get_config(self):
        return {"name": self.name, **self._arguments}
