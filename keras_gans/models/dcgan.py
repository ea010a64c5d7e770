"""Unsupervised Representation Learning with Deep Convolutional GANs (Radford et al. 2015), and its conditional form.

The paper's results: bedrooms and faces at 64x64, arithmetic on latents, and a discriminator whose features, trained on
ImageNet, classify CIFAR-10 at 82.8 % with a linear SVM (table 1).
"""

import keras

from keras_gans.layers import (
    AppendLabels,
    BatchNormalization,
    ConditionalBatchNormalization,
    Conv2D,
    Conv2DTranspose,
    LeakyReLU,
    OneHot,
    Projection,
    SpectralConv2D,
    SpectralDense,
    SpectralProjection,
)
from keras_gans.models import build
from keras_gans.training.game import AdversarialModel

# size: (height of the first feature map, widths of the layers from there on, in units of `width`)
SIZES = {28: (7, (2, 1)), 32: (4, (4, 2, 1)), 64: (4, (8, 4, 2, 1))}
CONDITIONING = ("concat", "projection")
NORMALIZATION = ("batch", "none", "spectral")


def normal():
    """The paper's initialisation (section 4): N(0, .02)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def batch_norm(name, synchronized):
    """Gains start at N(1, .02). The released code always normalises with the batch's statistics; here the moving ones
    (of momentum .9: Keras's .99 lags behind a GAN) serve for sampling."""
    return BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        synchronized=synchronized,
        name=name,
    )


class _Labels:
    """How labels enter a network: appended to every layer's input, by conditional normalisation, or not at all."""

    def __init__(self, num_classes, conditioning, synchronized):
        self.num_classes, self.conditioning, self.synchronized = num_classes, conditioning, synchronized
        self.input = None if num_classes is None else keras.Input((), dtype="int32", name="label")
        if self.appended:
            self.one_hot = OneHot(num_classes, name="one_hot")(self.input)

    @property
    def appended(self):
        return self.num_classes is not None and self.conditioning == "concat"

    @property
    def projected(self):
        return self.num_classes is not None and self.conditioning == "projection"

    def append(self, x, name):
        return AppendLabels(name=f"label_{name}")([x, self.one_hot]) if self.appended else x

    def normalize(self, x, name):
        if self.projected:
            layer = ConditionalBatchNormalization(self.num_classes, synchronized=self.synchronized, name=name)
            return layer([x, self.input])
        return batch_norm(name, self.synchronized)(x)

    def inputs(self, x):
        return x if self.input is None else [x, self.input]


def generator(size, channels, width, latent, hidden, kernel, num_classes, conditioning, synchronized, name="generator"):
    """z (n, latent) [and labels (n,)] -> images (n, size, size, channels) in [-1, 1]."""
    first, widths = SIZES[size]
    labels = _Labels(num_classes, conditioning, synchronized)
    z = keras.Input((latent,), name="z")
    x = labels.append(z, "z")
    if hidden:  # the released MNIST code has one more fully connected layer, of 1024
        x = keras.layers.Dense(hidden, use_bias=False, kernel_initializer=normal(), name="hidden")(x)
        x = keras.layers.ReLU(name="relu_hidden")(batch_norm("norm_hidden", synchronized)(x))
        x = labels.append(x, "hidden")
    x = keras.layers.Dense(
        first * first * widths[0] * width, use_bias=False, kernel_initializer=normal(), name="project"
    )(x)
    x = keras.layers.Reshape((first, first, widths[0] * width), name="map")(x)  # (n, 4, 4, 8w) at size 64
    x = keras.layers.ReLU(name="relu_project")(labels.normalize(x, "norm_project"))
    for i, multiple in enumerate([*widths[1:], None]):
        x = labels.append(x, f"up_{i}")
        last = multiple is None
        x = Conv2DTranspose(
            channels if last else multiple * width,
            kernel,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=normal(),
            name=f"up_{i}",
        )(x)  # twice the height and width
        if not last:
            x = keras.layers.ReLU(name=f"relu_{i}")(labels.normalize(x, f"norm_{i}"))
    x = keras.layers.Activation("tanh", dtype="float32", name="tanh")(x)
    return keras.Model(labels.inputs(z), x, name=name)


def discriminator(
    size,
    channels,
    width,
    hidden,
    kernel,
    num_classes,
    conditioning,
    synchronized,
    normalization,
    first_bias,
    name="discriminator",
):
    """Images (n, size, size, channels) [and labels (n,)] -> logits (n, 1)."""
    _, widths = SIZES[size]
    batch, spectral = normalization == "batch", normalization == "spectral"
    convolution, dense, projection = (
        (SpectralConv2D, SpectralDense, SpectralProjection) if spectral else (Conv2D, keras.layers.Dense, Projection)
    )
    labels = _Labels(num_classes, conditioning, synchronized)
    image = keras.Input((size, size, channels), name="image")
    x = image
    for i, multiple in enumerate(reversed(widths)):
        x = labels.append(x, f"down_{i}")
        x = convolution(
            multiple * width,
            kernel,
            strides=2,
            padding="same",
            use_bias=not batch or (first_bias and i == 0),
            kernel_initializer=normal(),
            name=f"down_{i}",
        )(x)  # half the height and width
        if batch and i > 0:  # the paper leaves the first layer without normalisation
            x = batch_norm(f"norm_{i}", synchronized)(x)
        x = LeakyReLU(0.2, name=f"leaky_{i}")(x)
    x = labels.append(keras.layers.Flatten(name="flatten")(x), "flatten")  # (n, 4 * 4 * 8w) at size 64
    if hidden:
        x = dense(hidden, use_bias=not batch, kernel_initializer=normal(), name="hidden")(x)
        x = batch_norm("norm_hidden", synchronized)(x) if batch else x
        x = labels.append(LeakyReLU(0.2, name="leaky_hidden")(x), "hidden")
    if labels.projected:
        head = projection(num_classes, kernel_initializer=normal(), dtype="float32", name="logit")
        return keras.Model([image, labels.input], head([x, labels.input]), name=name)
    logit = dense(1, kernel_initializer=normal(), dtype="float32", name="logit")(x)
    return keras.Model(labels.inputs(image), logit, name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class DCGAN(AdversarialModel):
    """Deep convolutional GAN at 28, 32 or 64 pixels, class-conditional if `num_classes` is given.

    Args:
        size: 28, 32 or 64: height and width of the images.
        channels: 1 or 3.
        width: channels of the discriminator's first layer. The paper's network at 64 pixels has 128, which makes
            1024 at 4x4.
        latent: latent dimension; z is uniform on [-1, 1].
        hidden: 0, or the width of a further fully connected layer in both players (released MNIST code: 1024).
        kernel: side of the convolutions' kernels. The paper's is 5; 4, which strides of 2 divide, does with two thirds
            of the arithmetic.
        num_classes: None, or the number of classes.
        conditioning: "concat": one-hot labels appended to every layer's input, as the paper's MNIST model does;
            "projection": a projection discriminator and conditional normalisation (Miyato and Koyama 2018).
        normalization: "batch", "none" or "spectral", in the discriminator. "spectral" divides the kernel of each of its
            layers by its largest singular value (Miyato et al. 2018).
        first_bias: whether the discriminator's first layer, which is not normalised, has biases beside batch
            normalisation further on. The released code's has none, and without labels its discriminator then cannot
            tell a picture from the same one paler: each layer is proportional to its input, until the normalisation
            divides by what real and what generated images have on average, each on their own.
        synchronized: whether batch statistics are taken over all replicas of a tf.distribute strategy.
        dtype: None, or a Keras policy such as "mixed_bfloat16".
    """

    paper = {
        "title": "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
        "authors": "Radford, Metz, Chintala",
        "year": 2015,
        "url": "https://arxiv.org/abs/1511.06434",
    }

    def __init__(
        self,
        size=64,
        channels=3,
        width=64,
        latent=100,
        hidden=0,
        kernel=5,
        num_classes=None,
        conditioning="concat",
        normalization="batch",
        first_bias=False,
        synchronized=False,
        dtype=None,
        name="dcgan",
    ):
        super().__init__(name=name)
        build.check_choice("size", size, SIZES)
        build.check_choice("channels", channels, (1, 3))
        build.check_choice("conditioning", conditioning, CONDITIONING)
        build.check_choice("normalization", normalization, NORMALIZATION)
        for argument, value, least in (
            ("width", width, 1),
            ("latent", latent, 1),
            ("hidden", hidden, 0),
            ("kernel", kernel, 2),
        ):
            build.check_count(argument, value, least)
        if num_classes is not None:
            build.check_count("num_classes", num_classes, 2)
        self.image_shape, self.latent, self.num_classes = (size, size, channels), latent, num_classes
        self._arguments = {
            "size": size,
            "channels": channels,
            "width": width,
            "latent": latent,
            "hidden": hidden,
            "kernel": kernel,
            "num_classes": num_classes,
            "conditioning": conditioning,
            "normalization": normalization,
            "first_bias": first_bias,
            "synchronized": synchronized,
            "dtype": dtype,
        }
        drawing = (size, channels, width, latent, hidden, kernel, num_classes, conditioning, synchronized)
        judging = (size, channels, width, hidden, kernel, num_classes, conditioning, synchronized)
        judging = (*judging, normalization, first_bias)
        with build.precision(dtype):
            players = generator(*drawing), discriminator(*judging)
        with build.precision("float32"):
            average = generator(*drawing, name="ema_generator")
        self.set_players(*players, average)

    def discriminator_terms(self, batch):
        """D(x) against D(G(z)), with labels on both if there are classes."""
        real, fake = self.augment(batch.images), self.augment(self.imagine(batch))
        return self.discriminator_loss(real, fake, batch.labels)

    def generator_terms(self, batch):
        """D(G(z)), for the labels of a real batch."""
        return self.generator_loss(self.augment(self.imagine(batch)), batch.labels)

    def get_config(self):
        return {"name": self.name, **self._arguments}


def ConditionalGAN(num_classes=10, **arguments):
    """`DCGAN(num_classes=...)`: the conditional GAN (Mirza and Osindero 2014) is that option, not another class."""
    return DCGAN(num_classes=num_classes, **arguments)
