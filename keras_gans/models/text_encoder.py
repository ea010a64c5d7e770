"""Reading sentences: the character-level CNN-RNN of Reed et al. (2016), trained so that captions find their pictures.

Two networks into one space (Learning Deep Representations of Fine-grained Visual Descriptions, Reed, Akata et al.
2016): of a caption by its characters, and of a picture by the features of a network that is not trained along. Their
joint loss is symmetric: pictures choose among captions, captions among pictures.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gans.data import text
from keras_gans.layers import OneHot
from keras_gans.models import build
from keras_gans.training.backend import full_precision

WIDTH, POOL = 4, 3  # of the paper's convolutions, and of the maxima between them
VIEWS = 4  # of each picture: its middle, and random squares, mirrored at random
TEMPERATURE = 10.0  # what similarities are multiplied by at first


def reader(units, recurrent, dim, name="reader"):
    """Symbols (n, 201), as `data.text.encode` gives them -> vectors (n, dim) of mean 0 and variance 1.

    Args:
        units: channels of the three convolutions. The paper's are 384, 512 and 512.
        recurrent: units of the recurrent layer, whose states are averaged. 0: the convolutions' maps are.
        dim: of the vectors. The paper's is 1024.
    """
    numbers = keras.Input((text.LENGTH,), dtype="uint8", name="symbols")
    x = OneHot(text.SYMBOLS, name="one_hot")(ops.cast(numbers, "int32") - 1)  # (n, 201, 70); zeros where none is
    for i, channels in enumerate(units):
        x = keras.layers.Conv1D(channels, WIDTH, activation="relu", name=f"conv_{i}")(x)
        if i + 1 < len(units):
            x = keras.layers.MaxPooling1D(POOL, name=f"pool_{i}")(x)
    if recurrent:
        x = keras.layers.GRU(recurrent, return_sequences=True, seed=0, name="recurrent")(x)  # (n, 18, recurrent)
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    x = keras.layers.Dense(dim, dtype="float32", name="vector")(x)
    return keras.Model(numbers, _even(x), name=name)


def viewer(features, dim, name="viewer"):
    """Features of pictures (n, features) -> vectors (n, dim) of mean 0 and variance 1."""
    seen = keras.Input((features,), name="features")
    x = keras.layers.BatchNormalization(center=False, scale=False, name="scale")(seen)
    return keras.Model(seen, _even(keras.layers.Dense(dim, dtype="float32", name="vector")(x)), name=name)


def _even(x):
    """Of mean 0 and variance 1: so that products of two vectors are their correlation, times dim."""
    return keras.layers.LayerNormalization(center=False, scale=False, epsilon=1e-6, dtype="float32", name="even")(x)


def check(units, recurrent, dim):
    """ValueError unless `reader` takes these."""
    build.check_counts("reader_units", units, length=3)
    build.check_count("reader_recurrent", recurrent, least=0)
    build.check_count("reader_dim", dim)


def pooled(looker, images, batch_size=128):
    """What a `ResidualNet` sees in images (n, h, w, 3), 0..255: means over each of its stages, float32 (n, widths)."""
    found = []
    with full_precision():
        for start in range(0, len(images), batch_size):
            stages = looker.perceptual(ops.cast(images[start : start + batch_size], "float32"))
            means = [ops.mean(ops.cast(stage, "float32"), axis=(1, 2)) for stage in stages]
            found.append(ops.convert_to_numpy(ops.concatenate(means, axis=1)))
    return np.concatenate(found)


def views(looker, data, seed=0, count=VIEWS):
    """float32 (n, count, features): `pooled` of several squares of each picture of `Captioned` data."""
    rng, found = np.random.default_rng(seed), []
    everything = np.arange(len(data))
    for number in range(count):
        if number == 0:
            squares = data.middles(everything)
        else:
            places = rng.integers(0, data.images.shape[1] - data.crop + 1, (len(data), 2))
            squares = data.squares(everything, places, rng.random(len(data)) < 0.5)
        found.append(pooled(looker, squares))
    return np.stack(found, axis=1)


class MatchingBatches:
    """What the two networks learn from: batches ((symbols, features), which caption is whose), by (seed, step).

    Args:
        data: `Captioned`.
        looker: function that gives the `ResidualNet` whose features are taken, once, when the first batch is made.
        batch_size: pairs; no picture comes twice in a batch.
        seed: of the order, the captions and the squares.
    """

    def __init__(self, data, looker, batch_size, seed=0):
        self.data, self.batch_size, self.seed, self._looker = data, batch_size, seed, looker
        self.steps_per_epoch = data.steps_per_epoch(batch_size)
        self._views = None

    def at(self, step):
        """The batch of a step, counted from 0 through all epochs."""
        if self._views is None:
            self._views = views(self._looker(), self.data, self.seed)
        index, symbols, number = self.data.pairs(step, self.batch_size, self.seed, self._views.shape[1])
        return (symbols, self._views[index, number]), np.arange(self.batch_size, dtype="int32")

    def unmixed(self):
        """The same: nothing is mixed here."""
        return self


def agreement(right, similarities):
    """Symmetric cross-entropy (n,): each picture among the captions, and each caption among the pictures.

    Args:
        right: int (n,): which caption is each picture's.
        similarities: (n, n), pictures by captions.
    """
    cross_entropy = keras.losses.sparse_categorical_crossentropy
    rows = cross_entropy(right, similarities, from_logits=True)
    columns = cross_entropy(right, ops.transpose(similarities), from_logits=True)
    return (rows + columns) / 2


class Matcher(keras.Model):
    """A reader and a viewer in training: [symbols (n, 201), features (n, f)] -> similarities (n, n).

    It has what `training.supervised.train` asks of a model, and is no zoo model: its networks belong to another.
    """

    task = "match"
    before = ()
    _fit_start = 0  # of what a `Checkpoint` records

    def __init__(self, reader, viewer, dropout, looker, arguments, name="matcher"):
        """Args:
        reader, viewer: the networks.
        dropout: rate on the features of pictures, in [0, 1).
        looker: function that gives the `ResidualNet` whose features the viewer takes.
        arguments: of the model whose networks these are: what a run is known by.
        """
        super().__init__(name=name)
        self.reader, self.viewer = reader, viewer
        self._looker, self._arguments = looker, dict(arguments)
        self.dropout = keras.layers.Dropout(dropout, seed=0, name="dropout")
        self.log_scale = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(math.log(TEMPERATURE)), name="log_scale"
        )
        self.built = True

    def call(self, inputs, training=False):
        symbols, features = inputs
        captions = self.reader(symbols, training=training)
        pictures = self.viewer(self.dropout(features, training=training), training=training)
        correlation = ops.matmul(pictures, ops.transpose(captions)) / pictures.shape[-1]
        return correlation * ops.exp(self.log_scale)

    def compile(self, optimizer, loss=agreement, **kwargs):
        """As `keras.Model.compile`."""
        super().compile(optimizer=optimizer, loss=loss, **kwargs)

    @property
    def steps_taken(self):
        """Train steps so far, as an int."""
        return int(ops.convert_to_numpy(self.optimizer.iterations))

    def term_names(self):
        """Names of what training reports of each step."""
        return ["loss"]

    def training_batches(self, data, recipe):
        """(the data, `MatchingBatches` of it)."""
        return data, MatchingBatches(data, self._looker, recipe["batch_size"], recipe.get("seed", 0))

    def architecture(self):
        """The arguments of the model whose networks these are."""
        return self._arguments

    def save_pretrained(self, folder, provenance=None):
        """Writes nothing: the model whose networks these are saves them."""
