"""Makes what shipped models are measured against: zoo/statistics/<features>-<data>-<split>.stats.safetensors.

python benchmarks/shipped_statistics.py dcgan_lsun dcgan_cifar10   # by the protocols in their cards

Needs the cards' data sets. Moments are of all images; 2,500 rows of features are kept, so that a file stays under 2 MB.
"""

import sys

import keras_gans
from keras_gans.api import real_images
from keras_gans.metrics import sources, statistics
from keras_gans.zoo import registry

ROWS = 2500


def make(name):
    """Writes the file of one model's protocol and returns its path."""
    asked = keras_gans.info(name).protocol
    extractor = keras_gans.feature_extractor(asked["features"])
    source = sources.open_source(asked["source"], shape=extractor.image_shape, split=asked["split"])
    found = statistics.reference(source, extractor, kept=ROWS)
    path = registry.statistics_folder() / real_images.statistics_file(extractor.name, asked["source"], asked["split"])
    found.save(path)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(make(name), flush=True)
