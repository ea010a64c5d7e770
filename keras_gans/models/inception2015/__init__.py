"""The Inception network of 2015-12-05, on which the Inception score and the FID are defined.

Salimans et al. 2016 and Heusel et al. 2017 measure with one file, classify_image_graph_def.pb of
inception-2015-12-05.tgz: an Inception-v3 (Szegedy et al. 2015) for 1008 classes. Scores by any other Inception are not
comparable to published ones. Its weights are not ours to ship: `Inception2015.from_file` reads them.
"""

from keras_gans.models.inception2015.model import Inception2015
from keras_gans.models.inception2015.weights import ARCHIVE_URL, GRAPH_SHA256, GRAPH_URL

__all__ = ["ARCHIVE_URL", "GRAPH_SHA256", "GRAPH_URL", "Inception2015"]
