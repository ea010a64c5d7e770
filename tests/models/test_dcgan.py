"""DCGAN, plain and conditional."""

import numpy as np
import pytest
from model_contract import ModelContract, weights

from keras_gans.models.dcgan import DCGAN, ConditionalGAN


class TestDCGAN(ModelContract):
    replicated = {"synchronized": True}  # noqa: RUF012

    def build(self, **changes):
        return DCGAN(**{"size": 28, "channels": 1, "width": 4, "latent": 6, **changes})


class TestProjectionDCGAN(ModelContract):
    compile_arguments = {  # noqa: RUF012
        "loss": "hinge",
        "penalties": {"r1": 1.0},
        "augment": ("color", "translation", "cutout"),
        "discriminator_steps": 2,
    }
    replicated = {"synchronized": True}  # noqa: RUF012

    def build(self, **changes):
        changes = {"conditioning": "projection", "normalization": "none", "num_classes": 10, **changes}
        return DCGAN(**{"size": 32, "channels": 3, "width": 2, "latent": 6, **changes})

    def images(self, model, n=80):
        return super().images(model, n)
