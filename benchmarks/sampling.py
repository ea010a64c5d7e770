"""How fast a DCGAN of 64x64 draws, beside the same network in PyTorch.

python benchmarks/sampling.py           # prints, and writes results/sampling.json

Pictures a second, in uint8, by how many are computed at once: `model.generate`, latents included, against PyTorch in
evaluation, with inference_mode, latents and conversion to uint8 included. Ours folds batch normalisation into the
convolutions, and so PyTorch is given both forms. All draw from the same weights; that they draw the same pictures is
looked at first. Ours computes in float32 whatever the model trains in, so that a picture depends on weights, seed and
number alone; PyTorch's bfloat16 stands beside it where the processor has it, and draws slightly other pictures. "To
disk" is `model.generate_to`, against PyTorch's batches in a NumPy array on disk, which cannot be resumed. Contestants
have the environment that `keras-gans train` gives itself (peers.environment); those called "environment as it is" do
not.
"""

import tempfile
from pathlib import Path

import numpy as np
import peers

AIM = 1.5
LEVELS = {"float32": 1, "bfloat16": 24}  # by how many of 256 pictures may differ
MOST = 64  # batches drawn in one go
SMALL = {"width": 8, "sizes": [4], "pictures": 8}  # with --quick
COMPARED = 8


def network(width):
    """A DCGAN whose pictures are not grey, as those of fresh weights are."""
    import keras

    from keras_gans.models import DCGAN

    keras.utils.set_random_seed(0)
    model, rng = DCGAN(size=64, width=width), np.random.default_rng(1)
    for weight in model.generator.weights:
        value = np.asarray(weight)
        if weight.name == "kernel":  # so large that what a layer gives is as large as what it gets
            inputs = value.shape[0] / 3 if value.ndim == 2 else np.prod(value.shape[:2]) * value.shape[3] / 8
            value = value / 0.02 / np.sqrt(inputs)
        elif weight.name == "moving_variance":
            value = rng.uniform(0.8, 1.2, value.shape)
        elif weight.name in ("beta", "moving_mean"):
            value = rng.normal(0, 0.1, value.shape)
        weight.assign(value)
    return model


def contestant(who, name, width, folder, to_disk=False, **options):
    """A process of ours or of PyTorch; its first pictures go to a file, for `check_same`."""
    start, drawn, out = (Path(folder) / file for file in ("start.npz", f"{name}.npy", f"{name}, drawn.npy"))
    if who == "torch":
        return torch_contestant(start, drawn, out if to_disk else None, **options)
    model = network(width)
    if not start.is_file():
        np.savez(
            start,
            latents=random_latents(model),
            **{f"generator/{w.path}": np.asarray(w) for w in model.generator.weights},
        )
    np.save(drawn, model.generate(latents=np.load(start)["latents"]))
    if to_disk:
        return timed(lambda n, size: model.generate_to(out, n, seed=1, batch_size=size))
    return timed(lambda n, size: model.generate(n, seed=1, batch_size=size))


def timed(generate):
    """Seconds of n pictures, after one batch that nobody times; and n of them for once, to build what is built."""

    def seconds(n, size):
        generate(size, size)
        return peers.seconds(lambda: generate(n, size), warm=0)

    return {"seconds": seconds, "once": lambda n, size: peers.seconds(lambda: generate(n, size), warm=0)}


def random_latents(model):
    from keras_gans import random

    return random.sample_latents(COMPARED, 0, model.latent, model.prior)


def torch_contestant(start, drawn, out, layout="plain", precision="float32", folded=False, compiled=False):
    import torch_dcgan

    saved = dict(np.load(start))
    network = torch_dcgan.drawing(saved, layout)
    network = torch_dcgan.folded(network) if folded else network
    draw = torch_dcgan.sampler(network, layout, precision, compiled)
    first = draw(saved["latents"])[:, ::-1, ::-1]
    np.save(drawn, first)

    def generate(n, size):
        shape = (n, *first.shape[1:])
        array = np.lib.format.open_memmap(out, "w+", "uint8", shape) if out else np.empty(shape, "uint8")
        for begin in range(0, n, size):
            array[begin : begin + size] = draw(size)
        if out:
            array.flush()

    return timed(generate)


def entries(options, folder):
    """{name: options of a contestant}. Ours comes first: it makes the weights."""
    found = {
        "ours": {"who": "ours"},
        "ours, to disk": {"who": "ours", "to_disk": True},
        "ours, environment as it is": {"who": "ours", "kept": False},
    }
    if options.peer:
        found |= {
            "torch plain": {"who": "torch"},
            "torch channels_last": {"who": "torch", "layout": "channels_last"},
            "torch plain, folded": {"who": "torch", "folded": True},
            "torch channels_last, folded": {"who": "torch", "layout": "channels_last", "folded": True},
            "torch plain, to disk": {"who": "torch", "to_disk": True},
            "torch plain, environment as it is": {"who": "torch", "kept": False},
        }
        if peers.computes_bfloat16():  # emulated it takes 15 times as long
            found["torch bfloat16"] = {"who": "torch", "layout": "channels_last", "precision": "bfloat16"}
        if peers.has_compiler() and not options.quick:
            found["torch compiled"] = {"who": "torch", "layout": "channels_last", "folded": True, "compiled": True}
    return {name: {"name": name, "width": options.width, "folder": folder, **more} for name, more in found.items()}


def measured(options):
    """{batch size: rates and ratios}, and by how many levels the pictures differ."""
    result = {}
    with tempfile.TemporaryDirectory() as folder, peers.field(__file__, entries(options, folder)) as workers:
        apart = check_same(folder, workers)
        for size in options.sizes:
            n = size * max(1, min(MOST, options.pictures // size))
            for worker in workers.values():
                worker.ask("once", n=n, size=size)
            taken = peers.alternate(workers, options.repeats, n=n, size=size)
            found = {"images": n, "images_per_s": peers.rates(taken, n), "ratio_of_ours_to": peers.ratios(taken)}
            if options.peer:
                found["to_disk"] = peers.ratio(taken["ours, to disk"], taken["torch plain, to disk"])
            result[str(size)] = {**found, **peers.against_the_best(found, "torch", AIM)}
            peers.say(f"{size} at once", found["images_per_s"], "images/s")
            peers.say("ours, times as fast as", found["ratio_of_ours_to"], "x", 2)
            peers.say_best(result[str(size)])
    return result, apart


def check_same(folder, workers):
    """{name: by how many levels its pictures differ from ours at most}; SystemExit where that is too many."""
    ours = np.load(Path(folder) / "ours.npy").astype(int)
    if ours.std() < 20:
        raise SystemExit(f"The pictures are nearly even (standard deviation {ours.std():.1f}): they say nothing.")
    apart = {}
    for name, worker in workers.items():
        theirs = np.load(Path(folder) / f"{name}.npy").astype(int)
        apart[name] = int(np.abs(theirs - ours).max())
        if apart[name] > LEVELS[worker.options.get("precision", "float32")]:
            raise SystemExit(f"{name} draws other pictures: {apart[name]} levels of 256 apart.")
    return apart


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=5)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 16, 64, 256], help="at once [1 16 64 256]")
    parser.add_argument("--pictures", type=int, default=1024, help=f"in one go, {MOST} batches at most [1024]")
    options = peers.asked(parser, arguments, SMALL)
    sizes, apart = measured(options)
    peers.write("sampling", {"width": options.width, "levels_apart": apart, "batch_size": sizes}, options)


if __name__ == "__main__":
    peers.run(main, contestant)
