"""Measures of samples against real images, on NumPy arrays."""

from keras_gans.metrics import memorization, sliced_wasserstein

__all__ = ["memorization", "sliced_wasserstein"]
