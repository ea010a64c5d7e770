"""Photo-Realistic Single Image Super-Resolution Using a GAN (Ledig et al. 2017): SRResNet; SRGAN, which begins as it.

The paper's results at a scale of 4, on the luminance without a border of 4 pixels: SRResNet 32.05 dB on Set5 and
28.49 dB on Set14 (bicubic: 28.43 and 25.99), SRGAN 29.40 and 26.02, and the higher marks of 26 raters.
"""

import math

import keras
from keras import ops

from keras_gans import augmentation, random
from keras_gans.data import images as pixels
from keras_gans.data.patches import SCALES
from keras_gans.layers import ICNR, BatchNormalization, Conv2D, LeakyReLU, PixelShuffle, RowwiseConv2D
from keras_gans.models import build, enlargement, pairs
from keras_gans.models.perceptual import Later, squared_error
from keras_gans.models.perceptual import get as comparison
from keras_gans.models.supervised import SupervisedModel
from keras_gans.models.upscaling import Upscales
from keras_gans.training import shared, statistics
from keras_gans.training.game import AdversarialModel, Batch

SHUFFLES = {2: (2,), 3: (3,), 4: (2, 2)}
HEADS = ("dense", "pooled")
SLOPE = 0.25  # of PReLUs, at first
# The discriminator's convolutions: (channels in units of `width`, stride).
STAGES = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2))

PAPER = {
    "title": "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network",
    "authors": "Ledig, Theis, Huszar, Caballero, Cunningham, Acosta, Aitken, Tejani, Totz, Wang, Shi",
    "year": 2017,
    "url": "https://arxiv.org/abs/1609.04802",
}


def _convolution(x, width, side, name, stride=1, initializer="he_normal", padding="same", **arguments):
    layer = Conv2D(width, side, strides=stride, padding=padding, kernel_initializer=initializer, name=name, **arguments)
    return layer(x)


def _batch_norm(x, name, synchronized):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=synchronized, name=name)(x)


def _prelu(x, name):
    """One slope a channel (He et al. 2015)."""
    slope = keras.initializers.Constant(SLOPE)
    return keras.layers.PReLU(alpha_initializer=slope, shared_axes=(1, 2), name=name)(x)


def generator(scale, blocks, width, synchronized=False, name="generator"):
    """Small images (n, h, w, 3), 0..255, of any h and w -> (n, scale h, scale w, 3) about [-1, 1]."""
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    x = first = _prelu(_convolution(x, width, 9, "first"), "prelu_first")  # (n, h, w, width)
    for i in range(blocks):
        y = _batch_norm(_convolution(x, width, 3, f"block_{i}_conv_0"), f"block_{i}_norm_0", synchronized)
        y = _prelu(y, f"block_{i}_prelu")
        y = _batch_norm(_convolution(y, width, 3, f"block_{i}_conv_1"), f"block_{i}_norm_1", synchronized)
        x = keras.layers.Add(name=f"block_{i}")([x, y])
    x = _batch_norm(_convolution(x, width, 3, "middle"), "norm_middle", synchronized)
    x = keras.layers.Add(name="skip")([x, first])
    for i, times in enumerate(SHUFFLES[scale]):
        x = _convolution(x, 4 * width if times == 2 else 9 * width, 3, f"up_{i}", initializer=ICNR(times))
        x = PixelShuffle(times, name=f"shuffle_{i}")(x)  # (n, times h, times w, width)
        if i + 1 == len(SHUFFLES[scale]):
            # The last convolution's border, ahead of the slopes, which leave 0 as it is. As a padding of its own, it
            # would have oneDNN add up in another order at some widths, and tiles would differ from the whole.
            x = keras.layers.ZeroPadding2D(4, name="border")(x)
        x = _prelu(x, f"prelu_up_{i}")
    # Small weights, beside those that enlarge: no block has to recover from noise.
    grey = keras.initializers.RandomNormal(0.0, 1e-3)
    x = RowwiseConv2D(3, 9, kernel_initializer=grey, name="last", dtype="float32")(x)
    network = keras.Model(image, x, name=name)
    enlargement.begin(network, scale, blocks, SHUFFLES[scale], SLOPE)
    return network


def reach(scale, blocks):
    """How many small pixels away something can be and still count in a pixel of `generator`'s output."""
    small = 4 + 2 * blocks + 1  # at the small size: half of each kernel
    size, up = 1, 0.0
    for times in SHUFFLES[scale]:
        up += 1 / size  # the convolution before the shuffle
        size *= times
    return small + math.ceil(up + 4 / size)


def discriminator(size, width, head, synchronized=False, name="discriminator"):
    """Images (n, size, size, 3) in [-1, 1] -> logits (n, 1). Pooled, any size will do."""
    side = size if head == "dense" else None
    image = keras.Input((side, side, 3), name="image")
    x = image
    for i, (multiple, stride) in enumerate(STAGES):
        x = _convolution(x, multiple * width, 3, f"conv_{i}", stride, use_bias=i == 0)
        x = _batch_norm(x, f"norm_{i}", synchronized) if i else x  # the paper leaves the first layer without
        x = LeakyReLU(0.2, name=f"leaky_{i}")(x)
    if head == "dense":
        x = keras.layers.Flatten(name="flatten")(x)  # (n, 6 * 6 * 8 width) at size 96
    else:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)  # (n, 8 width)
    x = LeakyReLU(0.2, name="leaky_hidden")(keras.layers.Dense(16 * width, name="hidden")(x))
    return keras.Model(image, keras.layers.Dense(1, dtype="float32", name="logit")(x), name=name)


def _check(scale, blocks, width):
    build.check_choice("scale", scale, SCALES)
    build.check_count("blocks", blocks)
    build.check_count("width", width)


@keras.saving.register_keras_serializable(package="keras_gans")
class SRResNet(Upscales, SupervisedModel):
    """The generator alone, trained to the least squared error: the highest PSNR, and smooth.

    Args:
        scale: 2, 3 or 4: how much larger its images are.
        blocks: residual blocks. The paper has 16.
        width: channels of its maps. The paper has 64.
        synchronized: whether batch statistics are taken over all replicas of a tf.distribute strategy.
        dtype: None, or a Keras policy such as "mixed_bfloat16", in which it then upscales as well.
    """

    paper = PAPER
    first_layer = "first"
    fixed_statistics = False  # as it was compiled

    def __init__(self, scale=4, blocks=16, width=64, synchronized=False, dtype=None, name="srresnet"):
        super().__init__(name=name, dtype=dtype)
        _check(scale, blocks, width)
        self.scale = scale
        self._arguments = {
            "scale": scale,
            "blocks": blocks,
            "width": width,
            "synchronized": synchronized,
            "dtype": dtype,
        }
        with build.precision(dtype):
            self.set_network(generator(scale, blocks, width, synchronized, name="network"))

    def reach(self):
        return reach(self.scale, self._arguments["blocks"])

    def upscaler(self):
        return self.network

    def compile(self, optimizer=None, loss="mse", metrics=(), fixed_statistics=False, **kwargs):
        """As `keras.Model.compile`. None: the paper's Adam, at 1e-4. Images are compared in [-1, 1].

        Args:
            fixed_statistics: whether batch normalisation computes with its moving statistics while it trains, and
                leaves them as they are: for the last steps, which then train what upscales.
        """
        super().compile(keras.optimizers.Adam(1e-4) if optimizer is None else optimizer, loss, metrics, **kwargs)
        self.fixed_statistics = bool(fixed_statistics)

    def get_compile_config(self):
        config = super().get_compile_config()
        return {**config, "fixed_statistics": self.fixed_statistics} if config else config

    def call(self, images, training=False):
        """Small images (n, h, w, 3), 0..255 -> large ones in [-1, 1]."""
        return self.network(images, training=training and not self.fixed_statistics)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, seed=0, **kwargs):
        """Trains on pairs.

        Args:
            x: `keras_gans.data.super_resolution(...)`; or a folder of photographs, which becomes that; or uint8 small
                images (n, h, w, 3), with y; or a pair of both; or a tf.data.Dataset of uint8 batches (small, large).
            y: uint8 large images (n, scale h, scale w, 3).
            batch_size, epochs, verbose, callbacks, **kwargs: as for `keras.Model.fit`; `validation_data` may be any of
                these.
            seed: of the squares that are taken; another call goes on with others, as training went on.

        Returns:
            `keras.callbacks.History`.

        Raises:
            DataError: the data is none of this, or of another scale; nothing was trained.
        """
        data = pairs.prepared(x, y, self.scale)
        fed = pairs.for_keras(data, batch_size, seed, self.steps_taken)
        if kwargs.get("validation_data") is not None:
            looked_at = pairs.for_keras(pairs.prepared(kwargs["validation_data"], None, self.scale), batch_size)
            kwargs["validation_data"] = looked_at[0] if looked_at[1] is None else looked_at
        self.note_training(data)
        if fed[1] is None:  # batches, in an order of their own
            batch_size = None
            kwargs.setdefault("shuffle", False)
        return super().fit(*fed, batch_size, epochs, verbose, callbacks, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """As `keras.Model.evaluate`, of the data that `fit` takes; of photographs an epoch of fixed squares."""
        if not kwargs.get("_use_cached_eval_dataset"):  # which is how Keras's fit asks for its validation
            x, y = pairs.for_keras(pairs.prepared(x, y, self.scale), batch_size)
            batch_size = None if y is None else batch_size
        return super().evaluate(x, y, batch_size, *args, **kwargs)

    def training_batches(self, data, recipe):
        data = pairs.of_recipe(data, recipe, self.scale)
        return data, pairs.PairBatches(data, recipe["batch_size"], recipe.get("seed", 0))

    def get_config(self):
        return {"name": self.name, **self._arguments}


@keras.saving.register_keras_serializable(package="keras_gans")
class SRGAN(Upscales, AdversarialModel):
    """SRResNet's network against a discriminator of photographs: detail that looks right, at a lower PSNR.

    Args:
        scale: 2, 3 or 4.
        blocks, width: of the generator, as for `SRResNet`.
        size: side of the squares that it is trained on; the discriminator with a dense head takes no others.
        head: of the discriminator: "dense", the paper's, of 19 million weights at size 96; "pooled": over all places.
        synchronized: whether batch statistics are taken over all replicas of a tf.distribute strategy.
        dtype: None, or a Keras policy such as "mixed_bfloat16". Upscaling runs in float32 all the same.
    """

    paper = PAPER
    _weights = _compared_by = None  # of the generator's terms, as they were compiled
    fixed_statistics = False  # as it was compiled
    _comparison = staticmethod(comparison)

    def __init__(
        self, scale=4, blocks=16, width=64, size=96, head="pooled", synchronized=False, dtype=None, name="srgan"
    ):
        super().__init__(name=name)
        _check(scale, blocks, width)
        build.check_count("size", size, least=16)
        build.check_choice("head", head, HEADS)
        if size % scale:
            raise ValueError(f"size must be a multiple of scale={scale}, got {size}")
        self.scale, self.image_shape = scale, (size, size, 3)
        self._arguments = {
            "scale": scale,
            "blocks": blocks,
            "width": width,
            "size": size,
            "head": head,
            "synchronized": synchronized,
            "dtype": dtype,
        }
        with build.precision(dtype):
            players = (
                generator(scale, blocks, width, synchronized),
                discriminator(size, width, head, synchronized),
            )
        with build.precision("float32"):
            average = generator(scale, blocks, width, name="ema_generator")
        self.set_players(*players, average)

    def reach(self):
        return reach(self.scale, self._arguments["blocks"])

    def upscaler(self):
        return self.sampler()

    @property
    def generate(self):
        """It draws nothing of its own: so `hasattr(model, "generate")` is false."""
        raise AttributeError("an SRGAN draws nothing of its own: model.upscale(images)")

    def start_from(self, other):
        """Takes the weights of an `SRResNet` of the same sizes, as the paper's SRGAN does, or of another SRGAN.

        Raises:
            ValueError: another model, or an SRResNet of other sizes.
            IncompatibleWeightsError: an SRGAN of other sizes. In both cases nothing was taken.
        """
        if isinstance(other, SRGAN):
            super().start_from(other)
            return
        sizes = {key: self._arguments[key] for key in ("scale", "blocks", "width")}
        its = {key: other._arguments[key] for key in sizes} if isinstance(other, SRResNet) else None
        if its != sizes:
            raise ValueError(f"an SRResNet of {sizes} was wanted, and {its or type(other).__name__} came")
        for network in (self.generator, self.ema_generator):
            network.set_weights(other.network.get_weights())

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        *,
        perceptual="vgg54",
        perceptual_weight=1.0,
        adversarial_weight=1e-3,
        pixel_weight=0.0,
        perceptual_shift=0,
        fixed_statistics=False,
        **rest,
    ):
        """As `AdversarialModel.compile`; what the generator minimises is the sum of three terms.

        Args:
            perceptual: "vgg54" or "vgg22" (Keras Applications' VGG19, whose weights are fetched), "tiny" (the zoo's
                `ResidualNet`), "mse" (pixels in [-1, 1]): what images are compared by (keras_gans.models.perceptual).
            perceptual_weight, adversarial_weight: of that term, and of the loss against the discriminator.
            pixel_weight: of the mean squared error in [-1, 1], besides.
            perceptual_shift: by how many pixels, at most, a random place is cut smaller than the images for them to be
                compared at, another one for each pair. A network whose layers have strides does not see all pixels
                alike, and images that are made to please it at one place get its grid.
            fixed_statistics: whether the generator's batch normalisation computes with the moving statistics that it
                begins with, and leaves them as they are: what is judged is then what upscales.
            **rest: as there.
        """
        weights = {
            "perceptual_weight": perceptual_weight,
            "adversarial_weight": adversarial_weight,
            "pixel_weight": pixel_weight,
        }
        for name, value in weights.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
        build.check_count("perceptual_shift", perceptual_shift, least=0)
        if perceptual_shift >= self.image_shape[0]:
            raise ValueError(f"perceptual_shift must be less than size={self.image_shape[0]}, got {perceptual_shift}")
        term, before = self._comparison(perceptual, self._arguments["dtype"]), (self._weights, self._compared_by)
        self._weights, self._compared_by = {k: float(v) for k, v in weights.items()}, term
        try:
            super().compile(generator_optimizer, discriminator_optimizer, loss, **rest)
        except ValueError:
            self._weights, self._compared_by = before  # nothing is left half done
            raise
        self.perceptual_shift, self.fixed_statistics = perceptual_shift, bool(fixed_statistics)

    def default_optimizer(self, player):
        """The paper's Adam, at 1e-4."""
        return keras.optimizers.Adam(1e-4)

    def get_compile_config(self):
        config = super().get_compile_config()
        if not config:
            return config
        return {
            **config,
            "perceptual": self._compared_by.name,
            **self._weights,
            "perceptual_shift": self.perceptual_shift,
            "fixed_statistics": self.fixed_statistics,
        }

    def compile_from_config(self, config):
        """As it was; what images are compared by is loaded when training goes on, for upscaling can do without."""
        self._comparison = Later
        try:
            super().compile_from_config(config)
        finally:
            self._comparison = comparison

    def term_names(self):
        names = ["d_loss", "g_loss", "content", *self.penalties]
        return [*names, "pixels"] if self._weights["pixel_weight"] else names

    def training_data(self, data, recipe):
        return pairs.of_recipe(data, recipe, self.scale, self.image_shape[0])

    def prepared(self, x, y):
        if self._compared_by is not None:
            self._compared_by.fetch()
        return pairs.prepared(x, y, self.scale, self.image_shape[0])

    def reestimate_statistics(self, batches=50, batch_size=64, seed=0):
        """Not for what draws from pictures: `settle(data)` takes the statistics of pictures."""
        raise ValueError("an SRGAN's statistics are taken of pictures: model.settle(super_resolution(photographs))")

    def settle(self, data):
        """Batch statistics of the average, over the small images of 100 batches; fixed ones stay."""
        if self.fixed_statistics:
            return
        batches = (small for small, _ in (data.at(k, 16) for k in range(100)))
        if statistics.take_anew(self.sampler(), (ops.cast(small, "float32") for small in batches)):
            self.ema_ready.assign(1)

    def _batch(self, data):
        small, large = data
        return Batch(pixels.to_range(large, -1.0, 1.0), pixels.to_range(small, 0.0, 255.0))

    @shared.once
    def imagine(self, batch):
        """G of the small images, which stand where other games have labels."""
        if self.fixed_statistics:
            return self.generator(batch.labels, training=False)
        return self._run("generator", batch.labels, None)

    def discriminator_terms(self, batch):
        """Photographs against what the generator makes of them, made small."""
        real, fake = self.augment(batch.images), self.augment(self.imagine(batch))
        return self.discriminator_loss(real, fake, None)

    def generator_terms(self, batch):
        """content + 1e-3 * adversarial (equation 3)."""
        fake, weights = self.imagine(batch), self._weights
        terms = {
            name: weights["adversarial_weight"] * x for name, x in self.generator_loss(self.augment(fake), None).items()
        }
        terms["content"] = weights["perceptual_weight"] * self._compared_by(*self._shifted(fake, batch.images))
        if weights["pixel_weight"]:
            terms["pixels"] = weights["pixel_weight"] * squared_error(fake, batch.images)
        return terms

    def _shifted(self, *images):
        """Each of these batches, cut at the same random places."""
        if not self.perceptual_shift:
            return images
        u = random.current().uniform((ops.shape(images[0])[0], 2))
        return [augmentation.crop(ops.cast(x, "float32"), u, self.perceptual_shift) for x in images]

    def get_config(self):
        return {"name": self.name, **self._arguments}
