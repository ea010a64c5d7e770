"""How long from nothing to a picture: a fresh process imports, loads a published DCGAN and draws one.

python benchmarks/first_image.py           # prints, and writes results/first_image.json

The whole process, interpreter included, and its parts. The peer imports PyTorch, builds the same generator and reads
the same weights, from a safetensors file and from a file of torch.save; both draw picture 0 of the same latents, in
uint8, and it is looked at whether it is the same. `backend` is a process that only imports Keras and TensorFlow: what
nothing of ours can be faster than. The files have been read before, so that a disk plays no part.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import peers
import startup

MODEL = "dcgan_lsun"


# --- contestants, each in a process that does nothing else ----------------------------------------------


def backend(folder):
    """What ours cannot do without."""
    import keras  # noqa: F401

    return {}


def ours(folder):
    """Import, load and first picture."""
    began = peers.now()
    import keras_gans

    imported = peers.now()
    model = keras_gans.load(MODEL)
    loaded = peers.now()
    picture = model.generate(1)
    drawn = peers.now()
    np.save(folder / "ours.npy", picture)
    return {"import": imported - began, "load": loaded - imported, "draw": drawn - loaded}


def torch_safetensors(folder):
    """The same in PyTorch."""
    return _torch(folder, "torch safetensors", "weights.safetensors")


def torch_pickle(folder):
    """The same, with the weights as torch.save has them."""
    return _torch(folder, "torch pickle", "weights.pt")


def _torch(folder, name, file):
    began = peers.now()
    import torch
    import torch_dcgan

    imported = peers.now()
    network = torch_dcgan.Generator(torch_dcgan.Sizes(*json.loads((folder / "sizes.json").read_text())))
    network.load_state_dict(_read(folder / file, torch))
    draw = torch_dcgan.sampler(network)
    loaded = peers.now()
    picture = draw(np.load(folder / "latents.npy"))
    drawn = peers.now()
    np.save(folder / f"{name}.npy", picture[:, ::-1, ::-1])
    return {"import": imported - began, "load": loaded - imported, "draw": drawn - loaded}


def _read(path, torch):
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)
    from safetensors.torch import load_file

    return load_file(path)


def convert(folder):
    """Writes what the peer reads: the published weights in PyTorch's form, float32, and the latents of picture 0."""
    import torch
    import torch_dcgan
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    from keras_gans import random

    saved = load_file(peers.ROOT / "zoo" / "models" / MODEL / "weights.safetensors")
    network = torch_dcgan.drawing({key: value.astype("float32") for key, value in saved.items()})
    weights = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    torch.save(weights, folder / "weights.pt")
    save_file(weights, folder / "weights.safetensors")
    (folder / "sizes.json").write_text(json.dumps(network.sizes))
    np.save(folder / "latents.npy", random.sample_latents(1, 0, network.sizes.latent))
    return {}


ROLES = {
    "backend": backend,
    "ours": ours,
    "torch safetensors": torch_safetensors,
    "torch pickle": torch_pickle,
    "convert": convert,
}


# --- the whole ------------------------------------------------------------------------------------------


def fresh(role, folder, env):
    """{"whole": seconds of the process, and those of its parts}."""
    whole, printed = startup.once(__file__, "--role", role, str(folder), env=env)
    return {"whole": whole, **json.loads(printed.splitlines()[-1])}


def measured(options, folder):
    """{role: {part: spread}}, and the ratios of the whole."""
    env = peers.environment(kept=False) | startup.cached(MODEL, folder / "cache")
    roles = ["backend", "ours"]
    if options.peer:
        fresh("convert", folder, env)
        roles += ["torch safetensors", "torch pickle"]
    taken = {role: [] for role in roles}
    for i in range(options.repeats + 1):
        for role in roles if i % 2 else roles[::-1]:
            found = fresh(role, folder, env)
            taken[role] += [found] if i else []  # the first round warms the file cache
    return {
        "model": MODEL,
        "seconds": {
            role: {part: peers.spread([x[part] for x in found]) for part in found[0]} for role, found in taken.items()
        },
        "ratio_of_ours_to": peers.ratios({role: [x["whole"] for x in found] for role, found in taken.items()}),
        "levels_apart": check_same(folder, roles),
    }


def check_same(folder, roles):
    """{role: by how many of 256 levels its picture differs from ours}; SystemExit where it is another one."""
    ours = np.load(folder / "ours.npy").astype(int)
    apart = {
        role: int(np.abs(np.load(folder / f"{role}.npy") - ours).max()) for role in roles if role.startswith("torch")
    }
    if apart and max(apart.values()) > 1:
        raise SystemExit(f"The peer draws another picture: {apart} levels of 256 apart.")
    return apart


def main(arguments=None):
    options = peers.asked(peers.parser(__doc__, repeats=7), arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = measured(options, Path(folder))
    for role, parts in result["seconds"].items():
        peers.say(role, parts, "s", 2)
    peers.say("ours, times as fast as", result["ratio_of_ours_to"], "x", 2)
    peers.write("first_image", result, options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--role"]:
        print(json.dumps(ROLES[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main()
