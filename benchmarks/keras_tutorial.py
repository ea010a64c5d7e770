"""The other peer: a GAN as tutorials of Keras write one, a `keras.Model` that overrides `train_step` with two tapes.

Its networks have the layers of `keras_gans.models.DCGAN`, of Keras's own, and take the weights of one. Real and
generated images go through the discriminator apart, as batch normalisation wants it and as ours do: a tutorial that
joins them into one batch does the same work.
"""

import keras
import tensorflow as tf


def normalized(x):
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def generator(latent, first, widths, channels, kernel):
    """z (n, latent) -> images (n, side, side, channels) in [-1, 1]."""
    z = keras.Input((latent,))
    x = keras.layers.Dense(first * first * widths[0], use_bias=False)(z)
    x = keras.layers.Reshape((first, first, widths[0]))(x)
    x = keras.layers.ReLU()(normalized(x))
    form = {"strides": 2, "padding": "same", "use_bias": False}
    for width in widths[1:]:
        x = keras.layers.Conv2DTranspose(width, kernel, **form)(x)
        x = keras.layers.ReLU()(normalized(x))
    x = keras.layers.Conv2DTranspose(channels, kernel, **form)(x)
    return keras.Model(z, keras.layers.Activation("tanh", dtype="float32")(x))


def discriminator(shape, widths, kernel):
    """Images (n, side, side, channels) -> logits (n, 1)."""
    image = keras.Input(shape)
    x = image
    for i, width in enumerate(widths):
        x = keras.layers.Conv2D(width, kernel, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(normalized(x) if i else x)
    x = keras.layers.Flatten()(x)
    return keras.Model(image, keras.layers.Dense(1, dtype="float32")(x))


class GAN(keras.Model):
    """Two networks, two optimizers, two tapes."""

    def __init__(self, generator, discriminator, latent):
        super().__init__()
        self.generator, self.discriminator, self.latent = generator, discriminator, latent
        self.d_mean, self.g_mean = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    def compile(self, g_optimizer, d_optimizer):
        super().compile()
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [self.d_mean, self.g_mean]

    def latents(self, n):
        return tf.random.uniform((n, self.latent), -1.0, 1.0)

    def train_step(self, images):
        n = tf.shape(images)[0]
        fake = self.generator(self.latents(n), training=True)
        with tf.GradientTape() as tape:
            on_real, on_fake = self.discriminator(images, training=True), self.discriminator(fake, training=True)
            d_loss = self.loss_fn(tf.ones_like(on_real), on_real) + self.loss_fn(tf.zeros_like(on_fake), on_fake)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        z = self.latents(n)
        with tf.GradientTape() as tape:
            on_fake = self.discriminator(self.generator(z, training=True), training=True)
            g_loss = self.loss_fn(tf.ones_like(on_fake), on_fake)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_mean.update_state(d_loss)
        self.g_mean.update_state(g_loss)
        return {"d_loss": self.d_mean.result(), "g_loss": self.g_mean.result()}


def like(model, dtype, rate):
    """A `GAN` with the networks and weights of a `keras_gans.models.DCGAN`, compiled with Adam at a learning rate."""
    arguments, before = model.get_config(), keras.config.dtype_policy()
    widths = [layer.filters for layer in model.discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    first = model.image_shape[0] // 2 ** len(widths)
    keras.config.set_dtype_policy(dtype or before)
    try:
        kernel, channels = arguments["kernel"], model.image_shape[2]
        networks = (
            generator(model.latent, first, widths[::-1], channels, kernel),
            discriminator(model.image_shape, widths, kernel),
        )
    finally:
        keras.config.set_dtype_policy(before)
    for network, source in zip(networks, (model.generator, model.discriminator), strict=True):
        network.set_weights(source.get_weights())
    gan = GAN(*networks, model.latent)
    adam = [keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for _ in networks]
    for optimizer, network in zip(adam, networks, strict=True):
        optimizer.build(network.trainable_variables)
    gan.compile(*adam)
    return gan
