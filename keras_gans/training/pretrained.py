"""Models that live in a folder: card, weights, samples."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_gans import artifacts


class Pretrained:
    """What every zoo model can do, whatever its task: give its tensors, take them, save itself as a model folder.

    A family says in `published_networks` which networks are published, and under which prefix. `get_config` must
    return the flat arguments of its class.
    """

    task = "generate"
    #: The card (a dict) of the folder this model came from, if any.
    card: dict[str, Any] | None = None
    #: Whether the weights began as those of the card.
    has_card_weights = False
    #: Names of the data that `fit` saw since.
    seen_since: list[str] = []
    #: What `start_from` records of the trainings before this one, oldest first, for weights.json.
    before: list[dict[str, Any]] = []

    def published_networks(self):
        """{prefix: functional model}: whose weights a folder holds."""
        raise NotImplementedError

    def receiving_networks(self):
        """{prefix: [functional models]}: who takes the tensors of each prefix."""
        return {prefix: [network] for prefix, network in self.published_networks().items()}

    def tensors(self):
        """{"<prefix>/<layer>/<variable>": float32 array} of the published networks."""
        networks = self.published_networks()
        return {
            f"{prefix}/{v.path}": np.asarray(keras.ops.convert_to_numpy(v), "float32")
            for prefix, network in networks.items()
            for v in network.weights
        }

    def assign_tensors(self, tensors, what="this model"):
        """Sets every tensor or none: IncompatibleWeightsError says which names or shapes differ."""
        networks = self.receiving_networks()
        expected = {f"{p}/{v.path}": tuple(v.shape) for p, same in networks.items() for v in same[0].weights}
        artifacts.match(tensors, expected, what)
        for prefix, same in networks.items():
            for network in same:
                for v in network.weights:
                    v.assign(np.asarray(tensors[f"{prefix}/{v.path}"], "float32"))

    def start_from(self, other):
        """Takes the weights of a model of the same family, and begins a training of its own from there.

        Tensors that `other` lacks stay as they are: a layer's biases, say, which this model has and that one had not.

        Args:
            other: a model that `keras_gans.load` gave.

        Raises:
            IncompatibleWeightsError: it is of another family, has tensors that this model has not, or other shapes;
                nothing was taken.
        """
        if type(other) is not type(self):
            raise artifacts.IncompatibleWeightsError(
                f"A {type(self).__name__} starts from the weights of one, and a {type(other).__name__} came."
            )
        self.assign_tensors({**self.tensors(), **other.tensors()}, f"this {type(self).__name__}")

    def samples(self):
        """A picture (h, w, c), uint8, for samples.png; None where the task has none."""
        return None

    def save_pretrained(self, folder, provenance=None):
        """Writes a folder that `keras_gans.load` reads: card.toml, weights (float32, exact), weights.json, samples.png.

        Args:
            folder: made where it is missing; files of an older save are replaced.
            provenance: dict of how the weights were made, for weights.json.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        artifacts.write_weights(folder, self.tensors(), provenance or self._origin())
        artifacts.write_card(folder, self.card_to_save(folder))
        self.write_files(folder)
        picture = self.samples()
        if picture is not None:
            from keras_gans.data import images

            images.save_png(folder / artifacts.SAMPLES, picture)

    def write_files(self, folder):
        """Writes what a family has in its folder beside card, weights and samples; none by default."""

    def read_files(self, folder):
        """Reads what `write_files` wrote, where it is there."""

    def note_training(self, data):
        """Remembers what the weights see now, beyond what the card says: `fit` calls it."""
        name = getattr(data, "name", "a tf.data pipeline")
        self.seen_since = [*(x for x in self.seen_since if x != name), name]

    def _origin(self):
        return {"began_as": self.card["name"], "seen_since": self.seen_since} if self.card else {}

    def card_to_save(self, folder):
        """The card it was loaded with, changed if it was trained further; or a plain one."""
        card = _plain(self.card) if self.card else self._plain_card(folder)
        if self.card and self.seen_since:
            card.update(self._further(card, folder))
            card.pop("limits", None)  # known of other weights
        architecture = {key: value for key, value in self.architecture().items() if value is not None}
        return {**card, "status": "pretrained", "family": type(self).__name__, "architecture": architecture}

    def _further(self, card, folder):
        """What a card says of weights that `fit` has moved."""
        before = [card["data"]["seen"]] if self.has_card_weights else []
        data = {"source": "unstated", "split": "unstated", "seen": ", then ".join([*before, *self.seen_since])}
        how = "fine-tuned" if self.has_card_weights else "trained afresh"
        return {
            "name": artifacts.name_from(folder),
            "version": 1,
            "title": f"{card['name']}, {how}",
            "description": f"{card['name']} {how} on {' and '.join(self.seen_since)}: say here what it draws.",
            "weights_license": "unstated",
            "data": data,
        }

    def architecture(self):
        """The arguments that build this model: `get_config` without what Keras adds."""
        config = self.get_config()
        return {key: config[key] for key in config if key not in ("name", "trainable", "dtype")}

    def _plain_card(self, folder):
        return {
            "name": artifacts.name_from(folder),
            "version": 1,
            "task": self.task,
            "title": f"A {type(self).__name__} of your own",
            "description": "Saved by save_pretrained: say here what it is.",
            "license": "unstated",
            "weights_license": "unstated",
            "paper": dict(self.paper),
            "data": {"source": "unstated", "split": "unstated", "seen": "unstated"},
        }


def _plain(value):
    """A copy of tables and lists: Keras ties those that a model holds to the model, all of which a deep copy copies."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
