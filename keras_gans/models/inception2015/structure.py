"""Whether a GraphDef has the structure that `network` builds.

Weights of the right names and shapes do not show strides, padding, kinds of pools or epsilons, and scores would be
wrong without a sign. A graph has them written down, so they are compared where it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_gans.models.inception2015 import resize
from keras_gans.models.inception2015.graphdef import Node
from keras_gans.models.inception2015.network import EPSILON

HALVING = {"conv", "mixed_3/conv", "mixed_3/tower/conv_2", "mixed_8/tower/conv_1", "mixed_8/tower_1/conv_3"}
UNPADDED = {*HALVING, "conv_1", "conv_4"}
HALVING_POOLS = {"pool", "pool_1", "mixed_3/pool", "mixed_8/pool"}
MAXIMA = {*HALVING_POOLS, "mixed_10/tower_2/pool"}


def fault(nodes: dict[str, Node]) -> str | None:
    """The first thing that is otherwise than wanted, as "node 'pool' has op AvgPool instead of MaxPool"; or None.

    What a graph does not say, an attribute or a node, is not held against it.
    """
    for name, node in nodes.items():
        for what, found, wanted in _compared(name, node, nodes):
            if found is not None and found != wanted:
                return f"node {name!r} has {what} {found} instead of {wanted}"
    return None


def _compared(name: str, node: Node, nodes: dict[str, Node]) -> Iterator[tuple[str, Any, Any]]:
    """(what, found, wanted) of a node."""
    if node.op == "Conv2D":
        yield from _convolution(name.removesuffix("/Conv2D"), node, nodes)
    elif node.op in ("AvgPool", "MaxPool") and name != "pool_3":
        step = 2 if name in HALVING_POOLS else 1
        yield "op", node.op, "MaxPool" if name in MAXIMA else "AvgPool"
        yield "ksize", node.integers("ksize"), [1, 3, 3, 1]
        yield "strides", node.integers("strides"), [1, step, step, 1]
        yield "padding", node.text("padding"), "VALID" if step == 2 else "SAME"
    elif node.op == "BatchNormWithGlobalNormalization":
        epsilon = node.real("variance_epsilon")
        yield "variance_epsilon", None if epsilon is None else round(epsilon, 8), EPSILON
    elif node.op == "ResizeBilinear":
        yield "align_corners", node.flag("align_corners"), False
        yield "half_pixel_centers", node.flag("half_pixel_centers"), False
    elif name in ("Sub/y", "Mul/y"):
        tensor = node.tensor()
        value = float(np.asarray(tensor)) if tensor is not None and tensor.shape == () else None
        yield "value", value, resize.MIDDLE if name == "Sub/y" else resize.SCALE


def _convolution(name: str, node: Node, nodes: dict[str, Node]) -> Iterator[tuple[str, Any, Any]]:
    step = 2 if name in HALVING else 1
    yield "strides", node.integers("strides"), [1, step, step, 1]
    kernel = nodes[f"{name}/conv2d_params"].tensor() if f"{name}/conv2d_params" in nodes else None
    if kernel is not None and kernel.shape[:2] != (1, 1):  # of which all paddings are one
        yield "padding", node.text("padding"), "VALID" if name in UNPADDED else "SAME"
