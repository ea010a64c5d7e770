"""Which of its kernels TensorFlow trains with."""

from __future__ import annotations

import os

SETTINGS = {"TF_ENABLE_ONEDNN_OPTS": "1"}


def prefer_onednn() -> None:
    """Has TensorFlow compute by oneDNN unless the environment says otherwise. Has to come before it is imported.

    By itself it does so only where a processor has VNNI instructions. Without them too a DCGAN trains 1.65 times as
    fast (docs/decisions.md). Upscaling does not gain: large maps are slower, and so only training asks for this.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
