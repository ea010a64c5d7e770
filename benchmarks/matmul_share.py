"""How much of what the machine can multiply a train step of DCGAN-64 uses, and where the rest of its time goes.

python benchmarks/matmul_share.py           # prints, and writes results/matmul_share.json

The machine's rate is the best of several products of square matrices, in TensorFlow and, for reference, in PyTorch.
What a step has to multiply is counted from the layers' shapes (`products_of_a_step`). Their quotient over the step's
seconds is the share that it reaches: at least 70 % in float32 and 50 % in bfloat16 are aimed at. The profile times the
step's parts alone, each as a graph of its own: every layer forward, towards its inputs and towards its weights, the
optimizers, the latents. A part alone finds its inputs in the caches more often than in the step, so that the parts add
up to less; what is left over is the step's remainder.
"""

import functools
from typing import NamedTuple

import peers
import train_step

AIMS = {"float32": 0.70, "bfloat16": 0.50}
SIDES = (512, 1024, 2048, 3072)
SMALL = {"width": 8, "batch": 4, "steps": 1, "sides": [64, 128]}  # with --quick


# --- what a step multiplies -----------------------------------------------------------------------------


def products(network, batch):
    """{layer: floating-point operations of one forward pass}, two for each product of numbers that is added up.

    Padding is counted as if it were numbers. A layer's gradients towards its inputs and towards its weights take as
    many each.
    """
    return {layer.name: found for layer in network.layers if (found := _of_layer(layer, batch))}


def _of_layer(layer, batch):
    import keras

    if not isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
        return 0
    shape = layer.input.shape if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output.shape
    places = 1
    for side in shape[1:-1]:
        places *= side
    size = 1
    for side in layer.kernel.shape:
        size *= side
    return 2 * batch * places * size


class Pass(NamedTuple):
    """A batch's way through a player's network in a step, and back.

    weights: whether gradients of the weights are taken. inputs: whether the network's own inputs get theirs; if not,
    nobody wants those of its first layer. Where neither is, nothing goes back. times: how many such batches.
    """

    player: str
    weights: bool
    inputs: bool
    times: int = 1

    @property
    def back(self):
        return self.weights or self.inputs

    def to_inputs(self, first):
        """Whether a layer's inputs get gradients; `first`: of the network."""
        return self.back and (self.inputs or not first)

    def products(self, first):
        """How many products of its size a layer takes."""
        return self.times * (1 + self.weights + self.to_inputs(first))


PASSES = (
    Pass("generator", weights=False, inputs=False),  # the discriminator's turn: what it sees is drawn,
    Pass("discriminator", weights=True, inputs=False, times=2),  # and it learns from that and from real images
    Pass("generator", weights=True, inputs=False),  # the generator's turn
    Pass("discriminator", weights=False, inputs=True),
)


def of_player(player):
    return [way for way in PASSES if way.player == player]


def products_of_a_step(model, batch):
    """Floating-point operations of the matrix products of both turns."""
    return sum(
        way.products(first=i == 0) * size
        for way in PASSES
        for i, size in enumerate(products(getattr(model, way.player), batch).values())
    )


# --- contestants ----------------------------------------------------------------------------------------


def contestant(who, width, batch, precision):
    """A process that times products and, where it is ours, steps and their parts."""
    if who == "torch":
        return {"product": lambda side: torch_product(side, precision)}
    model, images = train_step.network(width, precision), train_step.photographs(batch)
    model.compile(ema_decay=None)
    step = train_step.compiled(model.train_step, model, images)
    return {
        **train_step.timed(step),
        "product": lambda side: our_product(side, precision),
        "count": lambda: products_of_a_step(model, batch),
        "parts": lambda repeats: parts(model, batch, repeats),
    }


def our_product(side, precision):
    """Floating-point operations a second of a product of two matrices."""
    import tensorflow as tf

    a = tf.cast(tf.random.normal((side, side)), precision)
    multiply = tf.function(lambda a, b: tf.linalg.matmul(a, b), autograph=False)
    return 2 * side**3 / peers.seconds(lambda: float(multiply(a, a)[0, 0]), count=3)


def torch_product(side, precision):
    import torch
    import torch_dcgan

    torch.set_num_threads(peers.cores())
    a = torch.randn(side, side, dtype=getattr(torch, precision), device=torch_dcgan.device())
    with torch.inference_mode():
        return 2 * side**3 / peers.seconds(lambda: float((a @ a)[0, 0]), count=3)


# --- the profile ----------------------------------------------------------------------------------------


def parts(model, batch, repeats):
    """[{"part", "kind", "seconds", "times", ...}, ...]: each part of a step alone, and how often a step has it.

    [] where there is a GPU, whose operations return before they are done.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return []
    rows = []
    for player in model.players:
        for layer in getattr(model, player).layers:
            rows += layer_parts(model, player, layer, batch, repeats)
    return rows + other_parts(model, batch, repeats)


def layer_parts(model, player, layer, batch, repeats):
    """A layer's rows: forward, and back towards its inputs and its weights, which products do apart."""
    import keras

    if isinstance(layer, (keras.layers.InputLayer, keras.layers.Reshape, keras.layers.Flatten)):
        return []  # nothing is computed
    size, ways = _of_layer(layer, batch), of_player(player)
    forward, back = sum(way.times for way in ways), sum(way.times for way in ways if way.back)
    if size:
        first = layer.name == next(iter(products(getattr(model, player), batch)))
        found = {
            "forward": (_forward(layer, batch), forward),
            "to inputs": (_backward(layer, batch, False), sum(way.times for way in ways if way.to_inputs(first))),
            "to weights": (_backward(layer, batch, True), sum(way.times for way in ways if way.weights)),
        }
    else:
        found = {
            "forward": (_forward(layer, batch), forward - back),
            "forward and back": (_there_and_back(layer, batch), back),
        }
    return [
        _row(f"{player} {layer.name} {part}", _kind(layer), run, times, repeats, size)
        for part, (run, times) in found.items()
        if times
    ]


def _kind(layer):
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        return "batch normalisation"
    return "activation" if _of_layer(layer, 1) == 0 else "product"


def _row(name, kind, run, times, repeats, size=0):
    taken = peers.spread([peers.seconds(run) for _ in range(repeats)])
    row = {"part": name, "kind": kind, "times": times, "seconds": taken}
    return {**row, "flop_per_s": size / taken["median"]} if size else row


def _tensors(layer, batch):
    """Random (inputs, gradient of the outputs) of a layer's shapes and precision."""
    import tensorflow as tf

    def random(tensor, dtype):
        return tf.cast(tf.random.normal((batch, *tensor.shape[1:])), dtype)

    inputs = random(layer.input, layer.compute_dtype)
    return inputs, random(layer.output, layer(inputs, training=False).dtype)


def _graph(function, *tensors):
    """Runs a function of tensors as a graph; they are its arguments, so that nothing is computed once for all."""
    import tensorflow as tf

    run = tf.function(function, autograph=False)
    return lambda: run(*tensors)


def _forward(layer, batch):
    inputs, _ = _tensors(layer, batch)
    return _graph(lambda x: layer(x, training=True), inputs)


def _backward(layer, batch, weights):
    """The gradient towards the kernel or towards the inputs; the outputs, which nobody asks for, are not computed."""
    return _graph(
        lambda x, g: _gradient(layer, x, g, lambda: layer.kernel.value if weights else x), *_tensors(layer, batch)
    )


def _there_and_back(layer, batch):
    def run(x, g):
        return _gradient(layer, x, g, lambda: [x, *(v.value for v in layer.trainable_variables)])

    return _graph(run, *_tensors(layer, batch))


def _gradient(layer, x, of_outputs, sources):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        wanted = sources()
        tape.watch(wanted)
        outputs = layer(x, training=True)
    return tape.gradient(outputs, wanted, output_gradients=of_outputs)


def other_parts(model, batch, repeats):
    """The optimizers, and the latents of a turn."""
    import tensorflow as tf

    from keras_gans import random

    rows = []
    for player in model.players:
        variables = getattr(model, player).trainable_variables
        optimizer = getattr(model, f"{player}_optimizer")
        gradients = [tf.random.normal(variable.shape) for variable in variables]
        run = _graph(functools.partial(_apply, optimizer, variables), *gradients)
        rows.append(_row(f"{player}'s optimizer", "optimizer", run, 1, repeats))
    draw = _graph(lambda step: random.Noise(0, 0, step).latents(batch, model.latent, model.prior), tf.constant(1))
    return [*rows, _row("latents of a turn", "latents", draw, 2, repeats)]


def _apply(optimizer, variables, *gradients):
    optimizer.apply(gradients, variables)


def by_kind(rows, step):
    """{kind: share of the step's seconds}, the largest first; "remainder" is what no part explains."""
    found = {}
    for row in rows:
        found[row["kind"]] = found.get(row["kind"], 0.0) + row["times"] * row["seconds"]["median"] / step
    return {**dict(sorted(found.items(), key=lambda item: -item[1])), "remainder": 1.0 - sum(found.values())}


# --- the whole ------------------------------------------------------------------------------------------


def measured(options, precision):
    """The machine's rate, the step's, the share, and the profile."""
    common = {"width": options.width, "batch": options.batch, "precision": precision}
    entries = {
        "tensorflow": {"who": "ours", **common},
        **({"torch": {"who": "torch", **common}} if options.peer else {}),
    }
    with peers.field(__file__, entries) as workers:
        ours, rates = workers["tensorflow"], []
        steps, best = [], {name: {} for name in workers}
        for _ in range(options.repeats):
            steps.append(ours.ask("seconds", steps=options.steps))
            for side in options.sides:
                for name, worker in workers.items():
                    best[name].setdefault(str(side), []).append(worker.ask("product", side=side))
        count, rows = ours.ask("count"), ours.ask("parts", repeats=options.repeats)
    rates = {name: {side: peers.spread(values) for side, values in found.items()} for name, found in best.items()}
    top = max(row["median"] for row in rates["tensorflow"].values())
    share = peers.judged(peers.spread([count / seconds / top for seconds in steps]), AIMS[precision])
    return {
        "product_flop_per_s": rates,
        "flop_of_a_step": count,
        "seconds_of_a_step": peers.spread(steps),
        "share": share,
        "share_of_time": by_kind(rows, peers.spread(steps)["median"]),
        "parts": sorted(rows, key=lambda row: -row["times"] * row["seconds"]["median"]),
    }


def said(precision, found):
    for name, rates in found["product_flop_per_s"].items():
        peers.say(f"{name}, {precision}, product of n x n", _giga(rates), "GFLOP/s")
    print(f"a step: {found['flop_of_a_step'] / 1e9:.1f} GFLOP in {found['seconds_of_a_step']['median']:.3f} s")
    print(f"share of the machine's rate: {found['share']['median']:.1%}, {peers.verdict(found['share'])}")
    for kind, share in found["share_of_time"].items():
        print(f"  {kind:34} {share:7.1%} of the step")
    for row in found["parts"][:20]:
        rate = f"{row['flop_per_s'] / 1e9:8.1f} GFLOP/s" if "flop_per_s" in row else ""
        print(f"  {row['part']:44} {row['times']} x {row['seconds']['median'] * 1e3:8.2f} ms {rate}")


def _giga(rates):
    return {side: {key: value / 1e9 for key, value in row.items()} for side, row in rates.items()}


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=5)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--batch", type=int, default=64, help="images of a step [64]")
    parser.add_argument("--steps", type=int, default=3, help="steps timed in a row [3]")
    parser.add_argument("--sides", type=int, nargs="+", default=list(SIDES), help=f"of the matrices {SIDES}")
    parser.add_argument("--precision", nargs="+", choices=[*AIMS], default=["float32"], help="[float32]")
    options = peers.asked(parser, arguments, SMALL)
    result = {"width": options.width, "batch": options.batch, "precision": {}}
    for precision in options.precision:
        result["precision"][precision] = measured(options, precision)
        said(precision, result["precision"][precision])
    peers.write("matmul_share", result, options)


if __name__ == "__main__":
    peers.run(main, contestant)
