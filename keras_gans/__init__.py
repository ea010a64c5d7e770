"""Pretrained generative adversarial networks for Keras 3.

    import keras_gans
    images = keras_gans.load("dcgan_mnist").generate(16)

Importing this package imports neither Keras nor TensorFlow: each name below brings what it needs when it is first used.
It is enough for `keras.saving.load_model` to read a .keras file with models or layers of this package.
"""

import importlib

from keras_gans import _checkout, _registration

_checkout.install()
_registration.install()

__version__ = "0.1.0"

_HOMES = {
    "load": "api",
    "evaluate": "api.evaluation",
    "benchmark": "api.benchmark",
    "feature_extractor": "api.extractors",
    "list_models": "zoo.registry",
    "info": "zoo.registry",
    "AdversarialModel": "training.game",
    "TrainingError": "training.callbacks",
    "VanillaGAN": "models",
    "DCGAN": "models",
    "ConditionalGAN": "models",
    "LeNet": "models",
    "AttributeNet": "models",
    "ResidualNet": "models",
    "SRResNet": "models",
    "SRGAN": "models",
    "TextToImageGAN": "models",
    "KerasGansError": "artifacts",
    "UnknownModelError": "artifacts",
    "WeightsCorruptedError": "artifacts",
    "IncompatibleWeightsError": "artifacts",
    "DownloadError": "artifacts",
    "OfflineError": "artifacts",
    "CardError": "artifacts",
    "CheckpointError": "artifacts",
    "DataError": "artifacts",
    "MetricError": "artifacts",
    "ProtocolError": "artifacts",
}
_MODULES = {
    "api": "api",
    "artifacts": "artifacts",
    "augmentation": "augmentation",
    "autodiff": "autodiff",
    "callbacks": "training.callbacks",
    "data": "data",
    "latent": "latent",
    "layers": "layers",
    "losses": "losses",
    "metrics": "metrics",
    "models": "models",
    "penalties": "penalties",
    "random": "random",
    "training": "training",
    "zoo": "zoo",
}

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name):
    if name in _HOMES:
        value = getattr(importlib.import_module(f"keras_gans.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"keras_gans.{_MODULES[name]}")
    else:
        raise AttributeError(f"module 'keras_gans' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
