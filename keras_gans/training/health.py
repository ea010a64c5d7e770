"""Watches a run for the ways in which a game goes wrong, says in plain words what it saw, and one thing to try."""

import logging
from collections import deque
from typing import NamedTuple

import keras
import numpy as np

from keras_gans import random
from keras_gans.artifacts import DataError
from keras_gans.data import check
from keras_gans.data import images as image_data
from keras_gans.data.batches import Batches
from keras_gans.data.captioned import Captioned
from keras_gans.data.pipeline import Images
from keras_gans.training.advice import advice
from keras_gans.training.every import EverySteps
from keras_gans.training.look import measure

log = logging.getLogger("keras_gans")

CLASSES = 8  # of a class-conditional model, at most so many are looked at
LOOKS = 100  # in a run whose length is known

LITTLE_VARIETY = 0.25
RANKED_RIGHT = 0.99
CERTAIN = 0.05  # of the loss of a discriminator whose logits are 0
RISING = 24  # looks at least: they scatter so much that fewer hardly tell a rise from chance (docs/decisions.md)
HIGHER, IN_ORDER = 0.3, 0.8  # share of the loss by which it rises; share of the pairs of looks in that order
SILENT, AT_RANDOM = 0.05, 0.1  # spread of the logits; how far from a half the share of pairs ranked rightly is
SKIPPED_IN_A_ROW, SKIPPED_OF_LATE, OF_LATE = 5, 10, 100  # turns, turns, steps


class Finding(NamedTuple):
    """What was found at a step. kind: "collapse", "won", "silent" or "skipped". text: what was seen and what to try."""

    step: int
    kind: str
    text: str


class Health(EverySteps):
    """Says what goes wrong in a run of `AdversarialModel.fit`, each thing once until it is over, and one thing to try.

    - collapse: the generator's pictures are almost alike, and no less so than when the run was half as old.
    - won: the discriminator tells real from generated images, and either is certain of it or the generator's loss
      has risen by 30 %, and by more than looks scatter, from the earlier to the later half of the last 24 looks (or
      of three times `patience`, if that is more). A critic without a lowest loss (Wasserstein's) is meant to win, and
      is not judged by this.
    - silent: the discriminator's logits are all the same.
    - skipped: turns were skipped, for their gradient was not finite.

    The first three are of `patience` looks on end, the first of them (and of a rise) `grace` steps into the fit: at
    the start pictures are alike and logits are silent. A look runs both players on `n` images and changes nothing:
    the run's random numbers and weights are those it would have without. It takes about half as long as a step on n
    images.

    Args:
        reals: real images to compare with, as for `fit`. None: some of those that fit is given; a tf.data.Dataset
            shows none without being begun, and needs reals.
        every: steps between two looks. None: a hundred looks in the run, 50 to 500 steps apart.
        grace: steps.
        patience: looks, at least 2.
        n: images in a look, at least 2.
        seed: of what is drawn.
        say: function of a text. None: a warning of the logger "keras_gans".

    Attributes:
        findings: list of `Finding`, (step, kind, text).
        looks: list of `keras_gans.training.look.Look`.
    """

    def __init__(self, reals=None, every=None, grace=1000, patience=8, n=64, seed=0, say=None):
        super().__init__(every)
        for name, value, least in (("grace", grace, 0), ("patience", patience, 2), ("n", n, 2)):
            if value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        self.reals, self.grace, self.patience, self.n, self.seed = reals, grace, patience, n, seed
        self.say = say or log.warning
        self.findings = []
        self.looks = []
        self._asked = every

    def take_reals(self, model, data):
        """Called by `fit` with its checked data, before it begins.

        Raises:
            DataError: there are no images to look at.
        """
        self._piped = not isinstance(data, Batches)
        self._captioned = data if isinstance(data, Captioned) else None
        if self._captioned is not None:
            return  # a checkpoint may yet change what its captions are read by
        if self.reals is not None:
            size, _, channels = model.image_shape
            data = check.prepare(self.reals, size=size, channels=channels, num_classes=model.num_classes)
        if not isinstance(data, Images):
            raise DataError(
                "Health compares with real images, and a tf.data.Dataset shows none without being begun: "
                "give Health(reals=...) some, as an array, a folder or keras_gans.data.load(...)."
            )
        chosen = some(self.n, len(data), data.labels)
        self._real_images = data.images[chosen]
        self._labels = None if data.labels is None else data.labels[chosen]

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.every = self._asked or often(self.params)
        self._first = self._last
        self.findings, self.looks = [], []
        self._since = {}  # of what was said: how many looks ago it was last seen
        self._skips = {player: deque(maxlen=SKIPPED_OF_LATE) for player in self.model.players}  # steps
        if self._captioned is not None:
            self._real_images, conditions = next(self._captioned.in_order(self.n))
            self._labels = conditions[:, 0]  # the vectors of right captions
        low, high = self.model.value_range
        self._real = image_data.to_range(self._real_images, low, high)
        self._latents = random.sample_latents(len(self._real), self.seed, self.model.latent, self.model.prior)

    def on_train_batch_end(self, batch, logs=None):
        self._count_skips()
        super().on_train_batch_end(batch, logs)

    def act(self, step):
        self.looks.append(measure(self.model, self._real, self._labels, self._latents, step, self.seed))
        late = [x for x in self.looks if x.step - self._first >= self.grace]
        ready = len(late) >= self.patience
        for kind, seen, looks in (("collapse", collapsed, self.looks), ("won", won, late), ("silent", silent, late)):
            self._note(step, kind, ready and seen(looks, self.patience))

    def _note(self, step, kind, seen):
        """Says what is seen and was not said, and forgets what has not been seen for `patience` looks."""
        if seen and kind not in self._since:
            self._find(step, kind, f"{DESCRIBED[kind](self.looks, self.patience)} {advice(kind, self.model)}")
        if seen:
            self._since[kind] = 0
        elif kind in self._since:
            self._since[kind] += 1
            if self._since[kind] >= self.patience:
                del self._since[kind]

    def _find(self, step, kind, text):
        self.findings.append(Finding(step, kind, text))
        self.say(f"step {step}: {text}")

    def _count_skips(self):
        step = self.model.steps_taken
        for player, count in self.model.nonfinite.items():
            row, skips, key = int(keras.ops.convert_to_numpy(count)), self._skips[player], f"skipped by {player}"
            if row:
                skips.append(step)
            late = len([one for one in skips if one > step - OF_LATE])
            if key not in self._since and (row >= SKIPPED_IN_A_ROW or late >= SKIPPED_OF_LATE):
                self._since[key] = 0
                times = f"{row} turns in a row" if row >= SKIPPED_IN_A_ROW else f"{late} of the last {OF_LATE} steps"
                seen = f"The {player}'s gradient was not finite in {times}, and moved nothing."
                self._find(
                    step, "skipped", f"{seen} {advice('piped' if self._piped else 'skipped', self.model, player)}"
                )
            elif not late:
                self._since.pop(key, None)


def often(params):
    """Steps between two looks, from what Keras tells a callback of the run."""
    total = (params.get("epochs") or 0) * (params.get("steps") or 0)
    return min(500, max(50, total // LOOKS)) if total else 100


def some(n, count, labels):
    """Indices of up to n of `count` images, spread evenly; with labels, of the classes that have most, equally many."""
    if labels is None:
        return np.unique(np.linspace(0, count - 1, n).astype(int))
    classes, sizes = np.unique(labels, return_counts=True)
    largest = classes[np.argsort(-sizes, kind="stable")][: min(CLASSES, max(1, n // 2))]
    places = [np.flatnonzero(labels == one) for one in largest]
    return np.sort(np.concatenate([p[some(n // len(largest), len(p), None)] for p in places]))


# --- judging: looks, of which the last `patience` are recent ------------------------------------------


def collapsed(looks, patience):
    """Too few looks to compare with half the age, or pictures that become more varied, are no collapse."""
    if len(looks) < 2 * patience:
        return False
    middle, reach = len(looks) // 2, patience // 2
    before = _mean(looks[middle - reach : middle + reach], "variety")
    recent = looks[-patience:]
    return max(x.variety for x in recent) < LITTLE_VARIETY and _mean(recent, "variety") <= 1.02 * before


def won(looks, patience):
    recent = looks[-patience:]
    if not recent[-1].d_unknowing > 0 or not _mean(recent, "ranked") >= RANKED_RIGHT:
        return False
    return _certain(recent) or (_lost_ground(looks, patience) and not _rises(recent, "variety", 0.05, 0.75))


def silent(looks, patience):
    recent = looks[-patience:]
    return bool(max(x.spread for x in recent) < SILENT and abs(_mean(recent, "ranked") - 0.5) < AT_RANDOM)


def _mean(looks, name):
    return float(np.mean([getattr(look, name) for look in looks]))


def _certain(looks):
    return max(x.d_loss for x in looks) < CERTAIN * looks[-1].d_unknowing


def _lost_ground(looks, patience):
    """Whether the generator's loss has risen, by more than looks of a constant one scatter."""
    window = _window(looks, patience)
    return len(window) >= RISING and _rises(window, "g_loss", HIGHER, IN_ORDER, window[-1].d_unknowing / 2)


def _window(looks, patience):
    return looks[-max(3 * patience, RISING) :]


def _rises(looks, name, higher, in_order, least=0.0):
    """Whether the later half's mean lies higher than the earlier's, and enough pairs of looks are in that order.

    higher: by more than this share of the earlier mean's size, or of `least` where that is larger.
    in_order: share of the pairs; chance alone puts half of them in order.
    """
    values = np.array([getattr(look, name) for look in looks])
    first, last = _halves(looks, name)
    pairs = np.triu(values[None, :] > values[:, None], 1).sum() / (len(values) * (len(values) - 1) / 2)
    return bool(last - first > higher * max(abs(first), least) and pairs >= in_order)


def _halves(looks, name):
    """Means of the earlier and of the later half."""
    half = len(looks) // 2
    return _mean(looks[:half], name), _mean(looks[half:], name)


# --- saying -------------------------------------------------------------------------------------------


def _describe_collapse(looks, patience):
    share = _mean(looks[-patience:], "variety")
    return f"The generator's pictures are almost alike: they differ by {share:.0%} of what real ones differ by."


def _describe_won(looks, patience):
    recent = looks[-patience:]
    return (
        f"The discriminator has won: it ranks {_mean(recent, 'ranked'):.1%} of the pairs of a real and a generated "
        f"picture rightly, and {_certainty(recent) if _certain(recent) else _rise(_window(looks, patience))}."
    )


def _certainty(looks):
    share = _mean(looks, "d_loss") / looks[-1].d_unknowing
    return f"its loss is {share:.1%} of what it would be by guessing"


def _rise(looks):
    first, last = _halves(looks, "g_loss")
    return (
        f"the generator's loss rose within {looks[-1].step - looks[0].step} steps, "
        f"from a mean of {first:.2f} in their earlier half to {last:.2f} in their later"
    )


def _describe_silent(looks, patience):
    return (
        f"The discriminator says nothing: its logits spread by {looks[-1].spread:.1g}, and it ranks "
        f"{_mean(looks[-patience:], 'ranked'):.0%} of the pairs of a real and a generated picture rightly."
    )


DESCRIBED = {"collapse": _describe_collapse, "won": _describe_won, "silent": _describe_silent}
