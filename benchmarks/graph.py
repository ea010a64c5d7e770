"""Which products one train step of DCGAN-64 computes, against the fewest that its game needs, and what the rest takes.

python benchmarks/graph.py            # prints, and writes benchmarks/results/graph.json
python benchmarks/graph.py --quick    # the count alone, and no file

The step is traced and run once, and the graph that TensorFlow ran, optimised and without what nobody reads, is counted.

The least. Let the discriminator have d convolutions and the generator g (transposed ones); at 64 pixels both have 4. A
pass forward computes each once. A pass backward computes for each the gradient of its filter, where its own player
learns by that pass, and of its input, where something before it has a gradient too.

    discriminator's turn   G on latents      g forward
                           D on real         d forward, d filters, d - 1 inputs (an image has no gradient)
                           D on generated    d forward, d filters, d - 1 inputs (nor has the generator, in this turn)
    generator's turn       G on latents      g forward, g filters, g inputs (before the first there is a dense layer)
                           D on generated    d forward, no filters,  d inputs

So alternating turns need 2 g + 3 d forward, 2 d + g filters, 3 d - 2 + g inputs. In a simultaneous turn both players'
losses are of the same images: the last two passes forward are those above, and g + 2 d are left. Backward nothing can
be left out, for the two losses pull at D's output with different gradients, which batch normalisation mixes. The matrix
products are counted likewise: one dense layer ends D and one begins G, whose input, the latents, has no gradient.

A penalty at the images themselves (R1, R2) needs no pass forward beside these; one at places between them does.

What is no product (normalisation, rectifiers, the images' range, finiteness, optimizers, averages) is not counted but
timed: pieces of the step that can be run alone are, and their share of a whole step is printed.
"""

import argparse
import collections
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "graph.json"
if str(ROOT) not in sys.path:  # a checkout does without being installed
    sys.path.insert(0, str(ROOT))

UPDATES = ("alternating", "simultaneous")
KINDS = ("forward", "input gradient", "filter gradient")
CONVOLUTIONS = ("Conv2D", "_FusedConv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
PRODUCTS = ("MatMul", "_FusedMatMul")


# --- counting -------------------------------------------------------------------------------------------


def optimised(function, *arguments):
    """The nodes of the graph that TensorFlow makes of a tf.function before it runs it."""
    from tensorflow.python.eager import context

    context.enable_run_metadata()
    try:
        function(*arguments)
        found = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    return list(max((graphs.post_optimization_graph for graphs in found), key=lambda graph: len(graph.node)).node)


def counted(nodes):
    """{"convolutions": {kind: count}, "matrix products": {kind: count}} of a graph's nodes."""
    found = {"convolutions": collections.Counter(), "matrix products": collections.Counter()}
    for node in nodes:
        if node.op in CONVOLUTIONS:
            found["convolutions"][_kind(node, node.op == "Conv2DBackpropFilter")] += 1
        elif node.op in PRODUCTS:
            # A dense layer's kernel has the gradient x' g, its input g W': only the first transposes its left factor.
            found["matrix products"][_kind(node, node.attr["transpose_a"].b)] += 1
    return {name: {kind: counts[kind] for kind in KINDS} for name, counts in found.items()}


def _kind(node, of_filter):
    """A transposed convolution's operations have the names of the others' gradients: the place in the graph decides."""
    if "gradient_tape" not in node.name:
        return "forward"
    return "filter gradient" if of_filter else "input gradient"


def least(update, d=4, g=4):
    """What `counted` finds at least: see above."""
    both = update == "simultaneous"
    convolutions = (g + 2 * d if both else 2 * g + 3 * d, 3 * d - 2 + g, 2 * d + g)
    products = (3 if both else 5, 3, 3)
    return {
        "convolutions": dict(zip(KINDS, convolutions, strict=True)),
        "matrix products": dict(zip(KINDS, products, strict=True)),
    }


def count(update, width=8, batch=8):
    """`counted` of a train step, for whose count width and batch do not matter."""
    import numpy as np
    import tensorflow as tf

    model, step = _step(update, width)
    return counted(optimised(step, tf.constant(np.zeros((batch, *model.image_shape), "uint8"))))


def _step(update, width):
    import tensorflow as tf

    from keras_gans.models.dcgan import DCGAN

    model = DCGAN(width=width)
    model.compile(update=update)
    return model, tf.function(lambda images: model.train_step(images), autograph=False)


# --- timing ---------------------------------------------------------------------------------------------


def shares(width=64, batch=64, repeats=7):
    """{piece of an alternating step: its share of the step's processor time}, of medians of repeats that take turns."""
    import numpy as np
    import tensorflow as tf

    from keras_gans.data import images as image_data
    from keras_gans.training import game, tensorflow_step

    model, step = _step("alternating", width)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *model.image_shape), dtype="uint8")
    images = tf.constant(pixels)
    networks = [model.generator, model.discriminator]
    gradients = {
        player: [1e-3 * tf.ones_like(v) for v in getattr(model, player).trainable_variables] for player in model.players
    }

    def statistics_kept():
        followed = [variable for network in networks for variable in game._followed(network)]
        for variable, value in [(variable, tf.identity(variable)) for variable in followed]:
            variable.assign(tf.where(tf.math.is_finite(value), value, value))

    def applied():
        for player in model.players:
            variables, optimizer = getattr(model, player).trainable_variables, getattr(model, f"{player}_optimizer")
            tensorflow_step.apply(gradients[player], variables, optimizer)

    pieces = {
        "images to the game's range": lambda: image_data.to_range(images, *model.value_range),
        "the average of the generator": lambda: model._update_average(model._batch(images[:1])),
        "copies of the moving statistics": statistics_kept,
        "finiteness and both Adams": applied,
        "finiteness alone": lambda: [tensorflow_step._all_finite(own) for own in gradients.values()],
        "the whole step": lambda: step(images),
    }
    functions = {name: tf.function(piece, autograph=False) for name, piece in pieces.items()}
    seconds = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            began = time.process_time()
            function()  # on a processor it returns when all is done
            if repeat:  # the first one traces
                seconds[name].append(time.process_time() - began)
    middle = {name: statistics.median(taken) for name, taken in seconds.items()}
    whole = middle.pop("the whole step")
    found = {name: round(taken / whole, 4) for name, taken in middle.items()}
    return {"width": width, "batch": batch, "processor seconds of a step": round(whole, 3), "shares": found}


# --- all ------------------------------------------------------------------------------------------------


def table(found):
    """Lines: what was counted, and in brackets the least."""
    yield f"{'':32}" + "".join(f"{update:>18}" for update in UPDATES)
    for name in ("convolutions", "matrix products"):
        for kind in KINDS:
            cells = (found[update]["counted"][name][kind] for update in UPDATES)
            wanted = (found[update]["least"][name][kind] for update in UPDATES)
            row = (f"{f'{cell} ({want})':>18}" for cell, want in zip(cells, wanted, strict=True))
            yield f"{f'{name}, {kind}':32}" + "".join(row)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the count alone, and no file")
    quick = parser.parse_args().quick
    found = {update: {"counted": count(update), "least": least(update)} for update in UPDATES}
    print("operations of a step, and in brackets the fewest that there can be")
    print(*table(found), sep="\n")
    if quick:
        return
    from keras_gans.training import run

    timed = shares()
    seconds = timed["processor seconds of a step"]
    print(f"of a step at width {timed['width']} and batch {timed['batch']}, which takes a processor {seconds} s:")
    for name, share in timed["shares"].items():
        print(f"{name:32}{100 * share:8.2f} %")
    RESULT.write_text(json.dumps({"operations": found, "time": timed, **run.machine()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
