"""Model families, one file each. `FAMILIES` maps a card's `family` to its class, which is imported when asked for."""

import importlib

FAMILIES = {
    "VanillaGAN": "vanilla",
    "DCGAN": "dcgan",
    "LeNet": "lenet",
    "AttributeNet": "attributes",
    "ResidualNet": "residual",
    "SRResNet": "srgan",
    "SRGAN": "srgan",
    "TextToImageGAN": "text_to_image",
}
_NAMES = {**FAMILIES, "ConditionalGAN": "dcgan"}


def __getattr__(name):
    if name in _NAMES:
        return getattr(importlib.import_module(f"keras_gans.models.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
