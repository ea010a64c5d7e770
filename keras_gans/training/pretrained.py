"""Models that live in a folder: card, weights, samples."""

import copy
from pathlib import Path
from typing import Any

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
            f"{prefix}/{v.path}": np.asarray(v.numpy(), "float32")
            for prefix, network in networks.items()
            for v in network.weights
        }

    def assign_tensors(self, tensors, what="these weights"):
        """Sets every tensor or none: IncompatibleWeightsError says which names or shapes differ."""
        networks = self.receiving_networks()
        expected = {f"{p}/{v.path}": tuple(v.shape) for p, same in networks.items() for v in same[0].weights}
        artifacts.match(tensors, expected, what)
        for prefix, same in networks.items():
            for network in same:
                for v in network.weights:
                    v.assign(np.asarray(tensors[f"{prefix}/{v.path}"], "float32"))

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
        picture = self.samples()
        if picture is not None:
            from keras_gans.data import images

            images.save_png(folder / artifacts.SAMPLES, picture)

    def _origin(self):
        return {"saved_from": self.card["name"]} if self.card else {}

    def card_to_save(self, folder):
        """The card it was loaded with, or a plain one; its status is "pretrained", for the weights are there."""
        card = copy.deepcopy(self.card) if self.card else self._plain_card(folder)
        architecture = {key: value for key, value in self.architecture().items() if value is not None}
        return {**card, "status": "pretrained", "family": type(self).__name__, "architecture": architecture}

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
