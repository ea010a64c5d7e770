"""Measures of samples against real images: each usable alone, on arrays, folders, tf.data or a model.

    fid = keras_gans.metrics.frechet_distance(fake_features, real_features)
    print(fid)                                  # fid[10k, given@3fa2c1d0] = 12.3

Every measure of a set comes as a `Score`, which knows its protocol; `compare` refuses scores of different ones. Where
more was found than numbers, such as which images are nearest, the file of the measure has a function that gives it:
`nearest.of_rows`, `support_size.of_rows`, `linear_probe.of_features`, ...
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
    "conditional_accuracy": "classification",
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
