"""Layers that adversarial networks use and Keras lacks, written with keras.ops."""

from keras_gans.layers.conditional_normalization import ConditionalBatchNormalization
from keras_gans.layers.dropout import Dropout
from keras_gans.layers.labels import AppendLabels, OneHot
from keras_gans.layers.maxout import Maxout
from keras_gans.layers.projection import Projection

__all__ = ["AppendLabels", "ConditionalBatchNormalization", "Dropout", "Maxout", "OneHot", "Projection"]
