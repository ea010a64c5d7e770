"""Generative Adversarial Text to Image Synthesis (Reed et al. 2016): GAN-CLS and GAN-INT, options of one game.

A generator of z and a sentence's vector, and a discriminator that also sees real pictures with wrong sentences. The
residual blocks are the released code's; conditioning augmentation is StackGAN's (Zhang et al. 2017, section 3.2).
"""

import functools
import importlib
import inspect
import logging

import keras
import numpy as np
from keras import ops

from keras_gans import artifacts, random
from keras_gans.artifacts import DataError
from keras_gans.data import check, text
from keras_gans.data import images as image_data
from keras_gans.data.captioned import Captioned
from keras_gans.data.captions import captioned
from keras_gans.layers import (
    AppendLabels,
    Conv2D,
    Conv2DTranspose,
    LeakyReLU,
    Part,
    Resample,
    SpectralConv2D,
    SpectralDense,
)
from keras_gans.models import build, text_encoder
from keras_gans.models.dcgan import NORMALIZATION, batch_norm, normal
from keras_gans.training import distribution, run, sampling, shared, statistics, streaming, supervised
from keras_gans.training import features as discriminator_features
from keras_gans.training.backend import full_precision
from keras_gans.training.game import AdversarialModel, Batch

log = logging.getLogger("keras_gans")

# size: widths of the layers from the 4x4 map on, in units of `width`
SIZES = {16: (2, 1), 32: (4, 2, 1), 64: (8, 4, 2, 1)}
RESIDUAL = 2  # of the generator's maps, the smallest two have a block
LOOKER = "tiny"  # the zoo model whose features of pictures the reader learns by
SHOWN = 8  # pictures a row of samples.png
# The discriminator's layers that see a sentence alone, and those that see both.
READS = ("compress", "norm_compress", "leaky_compress")
DECIDES = ("mix", "norm_join", "leaky_join", "flatten", "logit")
PROMPTS = 1000  # of those that it saw: whose sentences are measured


def _residual(x, convolution, normalize, width, nonlinear, name):
    """The released code's bottleneck: 1x1, 3x3, 3x3, and x added: (n, h, w, c) as it was."""
    y, narrow = x, max(1, width // 4)
    for i, (channels, side) in enumerate(((narrow, 1), (narrow, 3), (width, 3))):
        y = convolution(channels, side, 1, f"{name}_conv_{i}")(y)
        y = normalize(y, f"{name}_norm_{i}")
        y = nonlinear(f"{name}_nonlinear_{i}")(y) if i < 2 else y
    return nonlinear(f"{name}_out")(keras.layers.Add(name=name)([x, y]))


def generator(size, width, latent, dim, compressed, augmentation, residual, synchronized, name="generator"):
    """z (n, latent), vectors (n, dim) -> images (n, size, size, 3) in [-1, 1].

    With `augmentation` the last `compressed` numbers of z are the noise of the condition.
    """

    def convolution(channels, side, stride, name):
        return Conv2D(channels, side, stride, padding="same", use_bias=False, kernel_initializer=normal(), name=name)

    def normalize(x, name):
        return batch_norm(name, synchronized)(x)

    def relu(name):
        return keras.layers.ReLU(name=name)

    z, vector = keras.Input((latent,), name="z"), keras.Input((dim,), name="vector")
    units = 2 * compressed if augmentation else compressed
    # Glorot's, for at N(0, .02) the sentence is hardly heard beside z (docs/decisions.md).
    condition = keras.layers.Dense(units, name="compress")(vector)
    condition = LeakyReLU(0.2, name="leaky_compress")(condition)
    x = z
    if augmentation:
        x = Part(0, latent - compressed, name="z_of_picture")(z)
        noise = Part(latent - compressed, latent, name="z_of_condition")(z)
        condition = Resample(name="condition")([condition, noise])
    x = keras.layers.Concatenate(name="join")([x, condition])
    widths = SIZES[size]
    x = keras.layers.Dense(16 * widths[0] * width, use_bias=False, kernel_initializer=normal(), name="project")(x)
    x = keras.layers.Reshape((4, 4, widths[0] * width), name="map")(x)
    x = normalize(x, "norm_project")
    for i, multiple in enumerate([*widths[1:], None]):
        if residual and i < RESIDUAL:  # blocks take what is normalised and not yet rectified
            x = _residual(x, convolution, normalize, widths[i] * width, relu, f"block_{i}")
        else:
            x = relu(f"relu_{i}")(x)
        last = multiple is None
        x = Conv2DTranspose(
            3 if last else multiple * width,
            4,
            strides=2,
            padding="same",
            use_bias=last,
            kernel_initializer=normal(),
            name=f"up_{i}",
        )(x)  # twice the height and width
        x = x if last else normalize(x, f"norm_{i}")
    x = keras.layers.Activation("tanh", dtype="float32", name="tanh")(x)
    return keras.Model([z, vector], x, name=name)


def discriminator(size, width, dim, compressed, residual, normalization, synchronized, name="discriminator"):
    """Images (n, size, size, 3), vectors (n, dim) -> logits (n, 1)."""
    batch, spectral = normalization == "batch", normalization == "spectral"

    def convolution(channels, side, stride, name, bias=False):
        layer = SpectralConv2D if spectral else Conv2D
        bias = bias or not batch
        return layer(
            channels, side, strides=stride, padding="same", use_bias=bias, kernel_initializer=normal(), name=name
        )

    def normalize(x, name):
        return batch_norm(name, synchronized)(x) if batch else x

    def leaky(name):
        return LeakyReLU(0.2, name=name)

    image, vector = keras.Input((size, size, 3), name="image"), keras.Input((dim,), name="vector")
    x, widths = image, tuple(reversed(SIZES[size]))
    for i, multiple in enumerate(widths):
        x = convolution(multiple * width, 4, 2, f"down_{i}", bias=i == 0)(x)  # half the height and width
        x = normalize(x, f"norm_{i}") if i else x
        if i + 1 < len(widths) or not residual:
            x = leaky(f"leaky_{i}")(x)
    top = widths[-1] * width
    if residual:
        x = _residual(x, convolution, normalize, top, leaky, "block")
    dense = SpectralDense if spectral else keras.layers.Dense
    condition = dense(compressed, use_bias=not batch, kernel_initializer=normal(), name="compress")(vector)
    condition = leaky("leaky_compress")(normalize(condition, "norm_compress"))
    x = AppendLabels(name="join")([x, condition])  # the condition at each place of the map
    x = leaky("leaky_join")(normalize(convolution(top, 1, 1, "mix")(x), "norm_join"))
    x = keras.layers.Flatten(name="flatten")(x)
    logit = dense(1, kernel_initializer=normal(), dtype="float32", name="logit")(x)
    return keras.Model([image, vector], logit, name=name)


def of_two_sentences(network):
    """A discriminator of the same pictures with two sentences each: ([images, one, other], training) -> logits (2n, 1).

    No model, but a function that calls the network's layers: Keras can no longer describe a network once another
    begins at its middle.
    """
    join = network.get_layer("join")
    look = keras.Model(network.inputs[0], join.input[0], name="look")
    read, decide = _chain(network, READS), _chain(network, DECIDES)

    def judged(inputs, training):
        images, *vectors = inputs
        seen = look(images, training=training)  # (n, 4, 4, channels)
        logits = [decide(join([seen, read(vector, training)]), training) for vector in vectors]
        return ops.concatenate(logits, axis=0)

    return judged


def _chain(network, names):
    """(x, training) -> x, through those of a network's layers that have these names, which feed each other."""
    layers = [layer for layer in network.layers if layer.name in names]
    told = [{"training"} & set(inspect.signature(layer.call).parameters) for layer in layers]

    def called(x, training):
        for layer, arguments in zip(layers, told, strict=True):
            x = layer(x, **dict.fromkeys(arguments, training))
        return x

    return called


@keras.saving.register_keras_serializable(package="keras_gans")
class TextToImageGAN(AdversarialModel):
    """Draws what a sentence says. Its reader of sentences is a part of it, trained first and then left as it is.

    Args:
        size: 16, 32 or 64: height and width of the pictures.
        width: channels of the generator's last map but one, which is `size / 64 * 8` times as wide at 4x4 at size 64.
            The paper's is 128.
        discriminator_width: of the discriminator's first map; None: half of `width`, as in the paper.
        latent: how much of z is the picture's. z is normal.
        compressed: numbers that a sentence's vector is brought to, in each player. The paper's are 128.
        residual: whether there are the released code's residual blocks.
        conditioning_augmentation: None (or False, for a card cannot say None), or the weight of the term that holds
            conditions near N(0, 1), of which a generator's condition is then drawn (StackGAN's code: 2.0). z has
            `compressed` numbers more.
        wrong_text: whether the discriminator sees real pictures with wrong sentences (GAN-CLS).
        interpolation: whether the generator also draws means of two sentences' vectors (GAN-INT).
        normalization: "batch", "none" or "spectral", in the discriminator.
        reader_units, reader_recurrent, reader_dim: of `text_encoder.reader`.
        picture_features: how many features of a picture the reader is trained by: 480 are those of `tiny`.
        examples: sentences that it draws where it is not told what to.
        synchronized: whether batch statistics are taken over all replicas of a tf.distribute strategy.
        dtype: None, or a Keras policy such as "mixed_bfloat16".
    """

    paper = {
        "title": "Generative Adversarial Text to Image Synthesis",
        "authors": "Reed, Akata, Yan, Logeswaran, Schiele, Lee",
        "year": 2016,
        "url": "https://arxiv.org/abs/1605.05396",
    }
    prior = "normal"
    #: Sentences that it is measured on, in turn: those of a folder's prompts.txt, or of pictures that `fit` saw.
    prompts: tuple[str, ...] = ()

    def __init__(
        self,
        size=64,
        width=128,
        discriminator_width=None,
        latent=100,
        compressed=128,
        residual=True,
        conditioning_augmentation=None,
        wrong_text=True,
        interpolation=True,
        normalization="batch",
        reader_units=(384, 512, 512),
        reader_recurrent=512,
        reader_dim=1024,
        picture_features=480,
        examples=("",),
        synchronized=False,
        dtype=None,
        name="text_to_image",
    ):
        super().__init__(name=name)
        build.check_choice("size", size, SIZES)
        build.check_choice("normalization", normalization, NORMALIZATION)
        counts = {"width": width, "latent": latent, "compressed": compressed, "picture_features": picture_features}
        for argument, value in counts.items():
            build.check_count(argument, value)
        if discriminator_width is not None:
            build.check_count("discriminator_width", discriminator_width)
        text_encoder.check(reader_units, reader_recurrent, reader_dim)
        if conditioning_augmentation is False:
            conditioning_augmentation = None
        augmented = conditioning_augmentation is not None
        if augmented and not (_is_number(conditioning_augmentation) and conditioning_augmentation >= 0):
            raise ValueError(
                f"conditioning_augmentation must be None, False or a weight, got {conditioning_augmentation!r}"
            )
        if not isinstance(examples, (list, tuple)) or not examples or not all(isinstance(x, str) for x in examples):
            raise ValueError(f"examples must be a list of sentences, got {examples!r}")
        self.image_shape, self.latent = (size, size, 3), latent + (compressed if augmented else 0)
        self.examples = tuple(examples)
        self._arguments = {
            "size": size,
            "width": width,
            "discriminator_width": discriminator_width,
            "latent": latent,
            "compressed": compressed,
            "residual": residual,
            "conditioning_augmentation": conditioning_augmentation,
            "wrong_text": wrong_text,
            "interpolation": interpolation,
            "normalization": normalization,
            "reader_units": list(reader_units),
            "reader_recurrent": reader_recurrent,
            "reader_dim": reader_dim,
            "picture_features": picture_features,
            "examples": list(examples),
            "synchronized": synchronized,
            "dtype": dtype,
        }
        drawing = (size, width, self.latent, reader_dim, compressed, augmented, residual, synchronized)
        judged_by = discriminator_width or max(1, width // 2)
        with build.precision(dtype):
            players = (
                generator(*drawing),
                discriminator(size, judged_by, reader_dim, compressed, residual, normalization, synchronized),
            )
        with build.precision("float32"):
            average = generator(*drawing, name="ema_generator")
            self.reader = text_encoder.reader(reader_units, reader_recurrent, reader_dim)
            self.viewer = text_encoder.viewer(picture_features, reader_dim)
        self.reader.trainable = self.viewer.trainable = False
        self.set_players(*players, average)

    def published_networks(self):
        return {**super().published_networks(), "reader": self.reader, "viewer": self.viewer}

    def receiving_networks(self):
        return {**super().receiving_networks(), "reader": [self.reader], "viewer": [self.viewer]}

    # Sentences.

    def vectors(self, texts, batch_size=256):
        """What the reader makes of sentences: float32 (n, reader_dim); DataError for what is no text.

        Any string can be read: see `keras_gans.data.text`.
        """
        symbols = text.encode(texts)
        found = [np.zeros((0, self._arguments["reader_dim"]), "float32")]
        with full_precision():
            for start in range(0, len(symbols), batch_size):
                part = symbols[start : start + batch_size]
                found.append(ops.convert_to_numpy(self.reader(part, training=False)).astype("float32"))
        return np.concatenate(found)

    def picture_vectors(self, images):
        """Where the reader would have pictures' captions: float32 (n, reader_dim), of uint8 images (n, size, size, 3).

        A caption's vector and a picture's, multiplied and divided by reader_dim, say how well they agree: in [-1, 1].
        """
        seen = text_encoder.pooled(looker(), images)
        with full_precision():
            return ops.convert_to_numpy(self.viewer(seen, training=False)).astype("float32")

    # Drawing.

    def generate(self, prompt=None, n=None, seed=0, latents=None, truncation=None, output="uint8", batch_size=32):
        """Pictures of sentences.

        Picture j of each sentence has the same z, so that sentences can be compared; it is a function of (weights,
        sentence, seed, j).

        Args:
            prompt: a sentence, or a list of them; or their vectors, float (m, reader_dim) or (reader_dim,). None, or a
                number of pictures: the model's `examples` in turn, of other z each.
            n: pictures of each sentence. None: 1; of examples 16 in all.
            seed: whole number of at least 0.
            latents: (n, latent) instead of drawn ones.
            truncation: None, or a number: latents stay within it.
            output: "uint8" for 0..255, "float" for [-1, 1].
            batch_size: pictures computed at once.

        Returns:
            NumPy array (sentences * n, height, width, 3), sentence by sentence.

        Raises:
            DataError: the prompt is no text.
            ValueError: another argument is not what it has to be.
        """
        if prompt is None or _is_count(prompt):
            return self._examples(n if prompt is None else prompt, seed, latents, truncation, output, batch_size)
        wanted = self._conditions(prompt)
        z = sampling.checked_latents(self, 1 if n is None else n, seed, latents, truncation)
        every_z, every_vector = np.tile(z, (len(wanted), 1)), np.repeat(wanted, len(z), axis=0)
        return sampling.drawn(self, every_z, every_vector, output, batch_size)

    def generate_to(
        self,
        path,
        prompt=None,
        n=None,
        seed=0,
        truncation=None,
        batch_size=32,
        shard=None,
        progress=None,
    ):
        """`generate`, written to disk as it is drawn: see `AdversarialModel.generate_to`.

        Args:
            path, batch_size, shard, progress: as there.
            prompt, n, seed, truncation: as of `generate`, whose pictures these are, sentence by sentence.

        Returns, Raises: as there.
        """
        if prompt is None or _is_count(prompt):
            vectors, total = self.vectors(self.examples), n if prompt is None else prompt
            total = 16 if total is None else total
            pictures = sampling.of_conditions(self, total, vectors, lambda i: (i % len(vectors), i), seed, truncation)
        else:
            vectors, each = self._conditions(prompt), 1 if n is None else n
            random.check_whole("n", each)
            total = len(vectors) * each
            pictures = sampling.of_conditions(self, total, vectors, lambda i: np.divmod(i, each), seed, truncation)
        return streaming.write(self, pictures, path, batch_size, shard, progress)

    def _examples(self, n, seed, latents, truncation, output, batch_size):
        z = sampling.checked_latents(self, 16 if n is None else n, seed, latents, truncation)
        wanted = self.vectors(self.examples)[np.arange(len(z)) % len(self.examples)]
        return sampling.drawn(self, z, wanted, output, batch_size)

    def prompted(self, latents, start=0, batch_size=32):
        """Pictures of `prompts` (or of `examples`, where there are none) in turn: what metrics look at.

        Args:
            latents: (n, latent), of the samples start to start + n - 1.
            start: which sample is the first: sample i is of sentence i, counted around.
            batch_size: pictures computed at once.

        Returns:
            uint8 (n, height, width, 3).
        """
        sentences = self.prompts or self.examples
        wanted = [sentences[i % len(sentences)] for i in range(start, start + len(latents))]
        return sampling.drawn(self, latents, self.vectors(wanted), "uint8", batch_size)

    def _conditions(self, prompt):
        """float32 (m, reader_dim) of whatever `generate` takes as a prompt."""
        given = _numbers(prompt)
        if given is None:
            return self.vectors(prompt if isinstance(prompt, (list, tuple, np.ndarray)) else [prompt])
        dim = self._arguments["reader_dim"]
        given = given.astype("float32")[None] if given.ndim == 1 else given.astype("float32")
        if given.ndim != 2 or given.shape[1] != dim or not np.isfinite(given).all():
            raise DataError(f"Sentences, or finite vectors (n, {dim}), were wanted and {given.shape} came.")
        return given

    def write_files(self, folder):
        if self.prompts:
            artifacts.write_prompts(folder, self.prompts)

    def read_files(self, folder):
        self.prompts = artifacts.read_prompts(folder) or self.prompts

    def note_training(self, data):
        super().note_training(data)
        if isinstance(data, Captioned):
            self._be_measured_on(data)

    def _be_measured_on(self, data):
        """Takes the first sentence of some of the pictures, from first to last."""
        places = np.linspace(0, len(data) - 1, min(len(data), PROMPTS)).astype(int)
        self.prompts = tuple(data.captions[place][0] for place in places)

    def samples(self):
        """Rows of pictures, seed 0, a row for each of `examples`."""
        rows = self.generate(list(self.examples), n=SHOWN, seed=0)
        return image_data.grid(rows, columns=SHOWN)

    # The game.

    def _inputs(self, x, labels):
        return [x, *labels] if isinstance(labels, tuple) else [x, labels]

    def _batch(self, data):
        images, conditions = data
        if keras.backend.standardize_dtype(conditions.dtype) == "uint8":  # symbols: (n, 2, 201)
            read = self.reader(ops.reshape(conditions, (-1, text.LENGTH)), training=False)
            conditions = ops.reshape(ops.stop_gradient(read), (-1, 2, read.shape[-1]))
        return Batch(image_data.to_range(images, *self.value_range), ops.cast(conditions, "float32"))

    @shared.once
    def _sentences(self, batch):
        """The vectors of right and of wrong sentences."""
        return batch.labels[:, 0], batch.labels[:, 1]

    @shared.once
    def imagine(self, batch):
        """G(z, right)."""
        right, _ = self._sentences(batch)
        return self._imagined(right)

    def _imagined(self, vectors):
        n = vectors.shape[0] or ops.shape(vectors)[0]
        z = random.current().latents(n, self.latent, self.prior)
        return self._run("generator", z, vectors)

    def discriminator_terms(self, batch):
        """Real pictures with right sentences against real ones with wrong sentences and generated ones, half each."""
        right, wrong = self._sentences(batch)
        real, fake = self.augment(batch.images), self.augment(self.imagine(batch))
        on_fake = self.judge(fake, right)
        if self._arguments["wrong_text"]:
            on_real, on_wrong = ops.split(self._on_real(real, right, wrong), 2)
            on_fake = ops.concatenate((on_fake, on_wrong), axis=0)
        else:
            on_real = self.judge(real, right)
        loss = self._adversarial_loss.discriminator(on_real, on_fake, self.label_smoothing)
        return {"d_loss": loss, **self._penalty_terms(real, fake, right)}

    def _on_real(self, images, right, wrong):
        """D's logits of pictures with right and with wrong sentences: what sees no sentence looks at them once."""
        if {"r1", "r2"} & set(self.penalties):  # the gradient of those with right sentences alone is wanted
            return ops.concatenate((self.judge(images, right), self.judge(images, wrong)), axis=0)
        return self._run("discriminator", images, (right, wrong), self._of_two_sentences)

    @functools.cached_property
    def _of_two_sentences(self):
        return of_two_sentences(self.discriminator)

    def generator_terms(self, batch):
        """D(G(z, right), right); means of two sentences too; and the condition's distance from N(0, 1)."""
        right, _ = self._sentences(batch)
        terms = self.generator_loss(self.augment(self.imagine(batch)), right)
        if self._arguments["interpolation"]:
            terms["g_between"] = self._between(right)
        weight = self._arguments["conditioning_augmentation"]
        return terms if weight is None else {**terms, "kl": weight * self._divergence(right)}

    def _between(self, right):
        """The generator's loss on means of two sentences that stand next to each other in the batch."""
        pairs = (right.shape[0] or ops.shape(right)[0]) // 2
        between = (right[: 2 * pairs : 2] + right[1 : 2 * pairs : 2]) / 2
        with random.scope(random.current().of_pairs()):  # however the batch is shared out
            fake = self.augment(self._imagined(between))
        return self._adversarial_loss.generator(self.judge(fake, between))

    def _divergence(self, vectors):
        """Of N(mean, sigma) from N(0, 1), a mean over numbers."""
        layers = (self.generator.get_layer(name) for name in ("compress", "leaky_compress"))
        for layer in layers:
            vectors = layer(vectors)
        mean, log_sigma = ops.split(ops.cast(vectors, "float32"), 2, axis=-1)
        return ops.mean(-log_sigma + (ops.exp(2 * log_sigma) + ops.square(mean) - 1) / 2)

    def term_names(self):
        more = ["g_between"] if self._arguments["interpolation"] else []
        more += [] if self._arguments["conditioning_augmentation"] is None else ["kl"]
        return ["d_loss", "g_loss", *more, *self.penalties]

    def features(self, images, labels=None, layers=None, batch_size=64):
        """As `AdversarialModel.features`, of the layers that see no sentence."""
        return super().features(images, None, self.feature_layers() if layers is None else layers, batch_size)

    def feature_layers(self):
        seen = discriminator_features.reached(self.discriminator, self.discriminator.inputs[1])
        found = discriminator_features.hidden(self.discriminator)
        return [name for name, output in found.items() if id(output) not in seen]

    # Data and runs.

    def prepared(self, x, y):
        """`Captioned` with its captions' vectors; or a tf.data.Dataset of (image, caption) as the game takes it.

        Vectors that the data brings stay, if they are as long as this model's.
        """
        size, dim = self.image_shape[0], self._arguments["reader_dim"]
        if check.is_dataset(x):
            return _from_pipeline(x, size, dim)
        data = captioned(x if y is None else (x, y), size=size)
        if not data.has_vectors:
            return data.with_vectors(lambda: self.vectors(data.sentences))  # of the weights that a checkpoint may bring
        if data.vectors().shape[1] != dim:
            raise DataError(f"Vectors (n, {dim}) were wanted and {data.vectors().shape} came: give others, or none.")
        return data

    def training_data(self, data, recipe):
        asked, numbers = recipe.get("data", {}), ("averaged", "loaded")
        given = {key: asked.get(key) for key in numbers} if isinstance(asked, dict) else {}
        return run.as_in(recipe, captioned(data, size=self.image_shape[0], **given), numbers)

    def train_first(self, data, recipe, card, out, **rest):
        """Trains the reader, if the recipe has a table `reader`: in `out`/reader, where it resumes.

        A run that goes on from published weights leaves it as it is: their players know the words by its vectors.

        rest: `stop` and `callbacks`, as of `training.run.train`.
        """
        if "reader" in recipe and not {"finetuned", "starts_from"} & set(recipe):
            networks = [self.reader, self.viewer]
            if distribution.place(self).chief:  # its loss compares the captions of a whole batch: it is not dealt out
                matcher = self._trained_reader(data, recipe["reader"], card, out, rest)
                for mine, trained in zip(networks, (matcher.reader, matcher.viewer), strict=True):
                    mine.set_weights(trained.get_weights())
            distribution.share_weights(self, networks)
        return data

    def _trained_reader(self, data, recipe, card, out, rest):
        arguments, batch_size = self._arguments, recipe["batch_size"]
        if len(data) < batch_size:
            log.info("the reader learns from batches of %d, all that there is, instead of %d", len(data), batch_size)
            recipe = {**recipe, "batch_size": len(data)}
        sizes = (arguments["reader_units"], arguments["reader_recurrent"], arguments["reader_dim"])
        mine = {key: arguments[key] for key in arguments if key.startswith("reader_")}

        def build_matcher():
            reader, viewer = text_encoder.reader(*sizes), text_encoder.viewer(arguments["picture_features"], sizes[2])
            return text_encoder.Matcher(reader, viewer, recipe.get("dropout", 0.0), looker, mine)

        return supervised.train(build_matcher, {**card, "family": "Matcher"}, recipe, data, out / "reader", **rest)

    def settle(self, data):
        """Batch statistics of the average, for the vectors of the data's captions; and captions to be measured on."""
        self._be_measured_on(data)
        data, n = self.prepared(data, None), min(64, len(data))
        right = (conditions[:, 0] for _, conditions in data.batches(n, seed=1, start=0, stop=50))
        inputs = ([random.sample_latents(n, 0, self.latent, self.prior, start=n * k), c] for k, c in enumerate(right))
        if statistics.take_anew(self.sampler(), inputs):
            self.ema_ready.assign(1)

    def reestimate_statistics(self, batches=50, batch_size=64, seed=0):
        """Leaves them as they are: they are taken of captions, by `settle(data)`, and no captions come along."""

    def get_config(self):
        return {"name": self.name, **self._arguments}


@functools.cache
def looker():
    """The network that pictures are looked at with, from the zoo."""
    return importlib.import_module("keras_gans.api").load(LOOKER)  # the floor above, when asked for


def _numbers(prompt):
    """A prompt as an array of numbers; None where it has none, or rows of several lengths."""
    one = prompt[0] if isinstance(prompt, (list, tuple)) and prompt else prompt
    if isinstance(one, (str, bytes)):  # no array of texts: each would take the room of the longest
        return None
    try:
        found = np.asarray(prompt)
    except ValueError:
        return None
    return found if found.dtype.kind in "fiub" and found.size else None


def _is_count(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _from_pipeline(dataset, size, dim):
    """A tf.data.Dataset of batches (images, captions), or (images, captions, labels), as the game takes it.

    Captions are text (n,) or vectors (n, dim). Each picture's wrong caption is that of the next in the batch that is of
    another class, or where there are no classes that of the next whose caption is another.
    """
    import tensorflow as tf

    spec = dataset.element_spec
    captions = spec[1] if isinstance(spec, tuple) and len(spec) in (2, 3) else None
    kinds = (tf.string, 1), (tf.float32, 2)
    if captions is None or (captions.dtype, captions.shape.rank) not in kinds or spec[0].shape.rank != 4:
        raise DataError(
            "A tf.data.Dataset of batches (images, captions) or (images, captions, labels) was wanted, captions as text"
            f" or float32 vectors, and {spec} came: map it to that, and batch it."
        )
    _check_pipeline(spec[0].shape, captions, size, dim)

    def others(told, right):
        n = tf.shape(right)[0]
        rest = (tf.range(n)[:, None] + tf.range(1, n)[None]) % n  # of each, the rest of the batch in turn
        differ = tf.gather(told, rest) != tf.expand_dims(told, 1)
        differ = differ if differ.shape.rank == 2 else tf.reduce_any(differ, axis=-1)
        first = tf.argmax(tf.cast(differ, "int32"), axis=1, output_type="int32")
        return tf.gather(right, tf.gather(rest, first, batch_dims=1))

    def arrange(images, captions, labels=None):
        right = _symbols(captions) if captions.dtype == tf.string else captions
        told = captions if labels is None else labels
        wrong = tf.cond(tf.shape(right)[0] > 1, lambda: others(told, right), lambda: tf.zeros_like(right))
        return images, tf.stack([right, wrong], axis=1)

    return dataset.map(arrange)


def _check_pipeline(shape, captions, size, dim):
    if tuple(shape[1:]) != (size, size, 3):
        came = "x".join(map(str, shape[1:]))
        raise DataError(f"This model draws {size}x{size}x3 images and the dataset has {came}: resize them in it.")
    if captions.shape.rank == 2 and captions.shape[1] != dim:
        raise DataError(f"Vectors (n, {dim}) were wanted and {captions.shape} came: give others, or text.")
    if shape[0] == 1:
        raise DataError("A wrong caption is another picture's of the batch, and batches of 1 came: batch more.")


def _symbols(captions):
    import tensorflow as tf

    found = tf.numpy_function(lambda texts: text.encode(list(texts)), [captions], tf.uint8)
    return tf.ensure_shape(found, (None, text.LENGTH))
