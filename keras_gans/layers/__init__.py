"""Layers that adversarial networks use and Keras lacks, written with keras.ops."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.conditional_normalization import ConditionalBatchNormalization
from keras_gans.layers.conditions import Part, Resample
from keras_gans.layers.convolution import Conv2D, Conv2DTranspose
from keras_gans.layers.dropout import Dropout
from keras_gans.layers.labels import AppendLabels, OneHot
from keras_gans.layers.leaky_relu import LeakyReLU
from keras_gans.layers.maxout import Maxout
from keras_gans.layers.pixel_shuffle import ICNR, PixelShuffle
from keras_gans.layers.projection import Projection
from keras_gans.layers.rowwise import RowwiseConv2D
from keras_gans.layers.spectral import SpectralConv2D, SpectralConv2DTranspose, SpectralDense, SpectralProjection

__all__ = [
    "ICNR",
    "AppendLabels",
    "BatchNormalization",
    "ConditionalBatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "LeakyReLU",
    "Maxout",
    "OneHot",
    "Part",
    "PixelShuffle",
    "Projection",
    "Resample",
    "RowwiseConv2D",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralDense",
    "SpectralProjection",
]
