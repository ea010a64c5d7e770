"""Lets Keras read this package's classes from a .keras file, though `import keras_gans` imports none of them.

Keras finds a class that is not its own in its table of registered objects, where a decorator puts it once its module
is imported. Until then a stand-in holds each place: asked to build an object, it imports the class and lets it do so.
The stand-ins go into the table as soon as Keras is there: at once, or when somebody imports it (a finder on
sys.meta_path runs after that import).
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from typing import Any

# registered name -> module. tests/test_registration.py holds it to what the decorators register.
HOMES = {
    "VanillaGAN": "models.vanilla",
    "DCGAN": "models.dcgan",
    "LeNet": "models.lenet",
    "AttributeNet": "models.attributes",
    "ResidualNet": "models.residual",
    "SRResNet": "models.srgan",
    "SRGAN": "models.srgan",
    "TextToImageGAN": "models.text_to_image",
    "AppendLabels": "layers",
    "BatchNormalization": "layers",
    "ConditionalBatchNormalization": "layers",
    "Conv2D": "layers",
    "Conv2DTranspose": "layers",
    "Dropout": "layers",
    "ICNR": "layers",
    "LeakyReLU": "layers",
    "Maxout": "layers",
    "OneHot": "layers",
    "Part": "layers",
    "PixelShuffle": "layers",
    "Projection": "layers",
    "Resample": "layers",
    "RowwiseConv2D": "layers",
    "SpectralConv2D": "layers",
    "SpectralConv2DTranspose": "layers",
    "SpectralDense": "layers",
    "SpectralProjection": "layers",
    "Accuracy": "training.cross_entropy",
    "CrossEntropy": "training.cross_entropy",
    "AdamL2": "training.optimizers",
    "DecayToFloor": "training.optimizers",
    "LinearRamp": "training.optimizers",
    "MomentumSGD": "training.optimizers",
}


def install() -> None:
    """Registers the stand-ins with Keras, now or as soon as it is imported."""
    if "keras" in sys.modules:
        _register()
    elif _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _register() -> None:
    from keras.saving import get_custom_objects

    table = get_custom_objects()
    for name, home in HOMES.items():
        table.setdefault(f"keras_gans>{name}", _stand_in(name, f"keras_gans.{home}"))


def _stand_in(name: str, module: str) -> type:
    """A class that makes no objects of its own: `from_config` gives one of module.name, which it imports."""

    def from_config(cls: type, config: dict[str, Any], **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name).from_config(config, **kwargs)

    return type(name, (), {"__module__": module, "from_config": classmethod(from_config)})


class _KerasFinder:
    """A meta path finder that finds Keras where the others do, and has `_register` run after it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        for finder in [other for other in sys.meta_path if other is not self]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Another loader, followed by `_register`. The module gets to see only that other one."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register()


_finder = _KerasFinder()
