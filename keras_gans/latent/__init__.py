"""The latent space: walks and sums, exemplars of what a picture shows and directions in which it grows, projections.

    z = keras_gans.latent.sample(gan, 2)
    gan.generate(latents=keras_gans.latent.interpolate(z[0], z[1]))

All of it is NumPy arrays; `model.generate(latents=...)` draws them. Nothing here imports Keras before it is needed.
"""

from keras_gans.latent.directions import direction, move
from keras_gans.latent.projection import Projection, project
from keras_gans.latent.selection import Exemplars, exemplars
from keras_gans.latent.walks import KINDS, arithmetic, interpolate, sample

__all__ = [
    "KINDS",
    "Exemplars",
    "Projection",
    "arithmetic",
    "direction",
    "exemplars",
    "interpolate",
    "move",
    "project",
    "sample",
]
