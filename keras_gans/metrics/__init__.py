"""Measures of samples against real images: each usable alone, on arrays, folders, tf.data or a model.

    fid = keras_gans.metrics.frechet_distance(fake_features, real_features)
    print(fid)                                  # fid[10k, given@3fa2c1d0] = 12.3

Every distance comes as a `Score`, which knows its protocol; `compare` refuses scores of different ones.
"""

import importlib

# A file never has the name of a function in it: importing one would hide the other.
_HOMES = {
    "Score": "score",
    "compare": "score",
    "over_seeds": "score",
    "frechet_distance": "frechet",
    "kernel_distance": "kernel",
    "inception_score": "inception",
    "precision_recall": "prdc",
    "density_coverage": "prdc",
    "parzen": "parzen_window",
    "PARZEN_CAVEAT": "parzen_window",
    "LinearSVM": "linear_probe",
    "probe": "linear_probe",
    "classification_accuracy": "classification",
    "one_nearest_neighbour": "neighbours",
    "Reference": "statistics",
    "reference": "statistics",
    "features_of": "features",
    "Pixels": "features",
    "Discriminator": "features",
    "Network": "features",
    "psnr": "psnr_ssim",
    "ssim": "psnr_ssim",
    "luma": "psnr_ssim",
    "ms_ssim": "multiscale",
    "diversity": "multiscale",
    "birthday": "support_size",
    "memorization": "nearest",
    "sliced_wasserstein": "swd",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"keras_gans.metrics.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
