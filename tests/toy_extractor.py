"""An extractor of features for tests."""

import numpy as np

SHAPE = (32, 32, 1)


class Means:
    """Eight numbers of an image, and three classes by them."""

    name, sha256, image_shape = "means-v1", "d" * 64, SHAPE

    def features(self, images):
        return images.reshape(len(images), 8, -1).mean(2) / 255.0

    def probabilities(self, images):
        odds = np.exp(8 * self.features(images)[:, :3])
        return odds / odds.sum(1, keepdims=True)
