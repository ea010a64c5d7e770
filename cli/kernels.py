"""Which of its kernels TensorFlow trains with."""

from __future__ import annotations

import os


def prefer_onednn() -> None:
    """Has TensorFlow compute by oneDNN unless the environment says otherwise. Has to come before it is imported.

    By itself it does so only where a processor has VNNI instructions. A DCGAN's step is 1.55 times as fast by oneDNN
    without them too (docs/speed.md). Upscaling is not: large maps are slower, and so only training asks for this.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
