"""The network with weights: what FID and the Inception score ask of it."""

import keras
import numpy as np

from keras_gans import artifacts
from keras_gans.models.inception2015 import resize, weights
from keras_gans.models.inception2015.feature_network import FeatureNetwork
from keras_gans.models.inception2015.network import network


class Inception2015(FeatureNetwork):
    """The Inception network of 2015-12-05: features (n, 2048), the graph's pool_3, and 1008 classes.

    Images, 0..255 of any size, are resized to 299x299 and scaled as the graph itself does it. Logits are the features
    times the graph's softmax/weights, without its biases: so the Inception score's code has them.

    Its `sha256` is that of the file that `save` writes, so that it tells weights apart and not the files they came in.

    Args:
        tensors: {"<layer>/<variable>": float32 array}, as `tensors` returns.
        what: how error texts call them.

    Raises:
        IncompatibleWeightsError: names or shapes are not the network's.
        WeightsCorruptedError: a value is not finite.

    Attributes:
        file_sha256: of the graph or .safetensors that `from_file` read, else None; `GRAPH_SHA256` is the published one.

    Sources: Szegedy et al. 2015, https://arxiv.org/abs/1512.00567; Salimans et al. 2016,
    https://arxiv.org/abs/1606.03498; Heusel et al. 2017, https://arxiv.org/abs/1706.08500.
    """

    def __init__(self, tensors, what="the given dict"):
        built = network()
        shapes = {variable.path: tuple(variable.shape) for variable in built.weights}
        arrays = weights.arrays(tensors, shapes, what)
        for variable in built.weights:
            variable.assign(arrays[variable.path])
        self.file_sha256 = None
        super().__init__("inception2015", built, artifacts.sha256_bytes(weights.to_bytes(arrays)))

    @classmethod
    def from_file(cls, path):
        """The network with the weights of a file.

        Args:
            path: of classify_image_graph_def.pb, of the inception-2015-12-05.tgz that holds it, or of a file by `save`.

        Raises:
            WeightsCorruptedError: the file cannot be read, or is damaged.
            IncompatibleWeightsError: it holds another network.
            KerasGansError: it is a URL or a PyTorch file, which are not read.
        """
        read = weights.read(path)
        model = cls(read.tensors, what=str(path))
        model.file_sha256 = read.sha256
        return model

    def tensors(self):
        """{"<layer>/<variable>": float32 array}, as "mixed_3.tower.conv_1/kernel" or "conv.batchnorm/gamma"."""
        return {v.path: np.asarray(keras.ops.convert_to_numpy(v), "float32") for v in self.network.weights}

    def save(self, path):
        """Writes the weights to a .safetensors, which `from_file` reads; a file of that name is replaced at the end."""
        artifacts.write_atomically(path, weights.to_bytes(self.tensors()))

    def prepare(self, images):
        """uint8 (n, h, w, 3) -> float32 (n, 299, 299, 3), -1..1, by the graph's own resizer."""
        return resize.prepare(images)
