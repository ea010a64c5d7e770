"""How fast photographs are upscaled on a processor, beside the same network in PyTorch (`pip install torch`).

python benchmarks/upscaling.py           # prints, and writes benchmarks/results/upscaling.json

Megapixels of output a second, of a small image of 256x256 made four times as large by SRResNet's network of 16 blocks:
`model.upscale`, which takes and gives uint8, against PyTorch's modules with the same weights (channels_last, eval, no
gradients), conversion from and to uint8 included. Two processes take turns, so that neither library's threads disturb
the other's. Their outputs are compared first.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import peers

RESULT = peers.RESULTS / "upscaling.json"
SIDE, REPEATS = 256, 7


def small():
    """A photograph-like uint8 (SIDE, SIDE, 3)."""
    from keras_gans.data import bicubic

    rng = np.random.default_rng(0)
    return bicubic(rng.integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype="uint8"), size=(SIDE, SIDE))


def ours(path):
    """A function that upscales; the weights go to `path`, by PyTorch's names for them."""
    from keras_gans.models import SRResNet

    model = SRResNet()
    rng = np.random.default_rng(1)
    for weight in model.network.weights:  # none as at the beginning
        value = np.asarray(weight)
        if weight.name == "kernel":
            value = value + rng.normal(0, 0.2 / np.sqrt(np.prod(value.shape[:-1])), value.shape)
        elif weight.name == "gamma":  # small: 32 gains of 1 would make numbers so large that rounding fills levels
            value = rng.uniform(0.1, 0.3, value.shape)
        elif weight.name == "moving_variance":
            value = rng.uniform(0.8, 1.2, value.shape)
        elif weight.name in ("beta", "moving_mean", "bias"):
            value = rng.normal(0, 0.02, value.shape)
        weight.assign(value)
    np.savez(path, **{weight.path: np.asarray(weight) for weight in model.network.weights})
    return model.upscale


def theirs(path):
    """The same network in PyTorch, its weights read from `path`."""
    import torch
    from torch import nn

    torch.set_num_threads(peers.cores())
    saved = np.load(path)

    def convolution(name, ins, outs, side):
        layer = nn.Conv2d(ins, outs, side, padding=side // 2)
        layer.weight.data = torch.tensor(saved[f"{name}/kernel"].transpose(3, 2, 0, 1)[_order(name, outs)].copy())
        layer.bias.data = torch.tensor(saved[f"{name}/bias"][_order(name, outs)])
        return layer

    def norm(name):
        layer = nn.BatchNorm2d(64, eps=1e-5)
        for theirs_, ours_ in {"weight": "gamma", "bias": "beta"}.items():
            getattr(layer, theirs_).data = torch.tensor(saved[f"{name}/{ours_}"])
        layer.running_mean.data = torch.tensor(saved[f"{name}/moving_mean"])
        layer.running_var.data = torch.tensor(saved[f"{name}/moving_variance"])
        return layer

    def prelu(name):
        layer = nn.PReLU(64)
        layer.weight.data = torch.tensor(saved[f"{name}/alpha"].reshape(-1))
        return layer

    class Block(nn.Module):
        def __init__(self, i):
            super().__init__()
            parts = [convolution(f"block_{i}_conv_0", 64, 64, 3), norm(f"block_{i}_norm_0"), prelu(f"block_{i}_prelu")]
            self.parts = nn.Sequential(*parts, convolution(f"block_{i}_conv_1", 64, 64, 3), norm(f"block_{i}_norm_1"))

        def forward(self, x):
            return x + self.parts(x)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(convolution("first", 3, 64, 9), prelu("prelu_first"))
            self.blocks = nn.Sequential(
                *[Block(i) for i in range(16)], convolution("middle", 64, 64, 3), norm("norm_middle")
            )
            ups = [(convolution(f"up_{i}", 64, 256, 3), nn.PixelShuffle(2), prelu(f"prelu_up_{i}")) for i in range(2)]
            self.ups = nn.Sequential(*[part for up in ups for part in up], convolution("last", 64, 3, 9))

        def forward(self, x):
            x = self.first(x / 255)
            return self.ups(x + self.blocks(x))

    network = Network().eval().to(memory_format=torch.channels_last)

    def upscale(image):
        with torch.inference_mode():
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float().contiguous(memory_format=torch.channels_last)
            y = network(x)[0].permute(1, 2, 0)
            return ((y.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()

    return upscale


def _order(name, outs):
    """Where PyTorch's pixel shuffle has its channels: c s^2 + place, ours place C + c."""
    if not name.startswith("up_"):
        return slice(None)
    return np.arange(outs).reshape(4, outs // 4).T.reshape(-1)


def contestant(side, path):
    """A process that upscales once for each request; the first picture goes to a file."""
    upscale, image = {"ours": ours, "theirs": theirs}[side](path), small()
    np.save(f"{path}.{side}.npy", upscale(image))
    return {"seconds": lambda: peers.seconds(lambda: upscale(image), warm=0)}


def measured(path):
    """{side: [seconds, ...]}, once the two outputs are known to be the same; and by how many levels they differ."""
    entries = {side: {"side": side, "path": path, "kept": False} for side in ("ours", "theirs")}
    with peers.field(__file__, entries) as sides:
        drawn = [np.load(f"{path}.{side}.npy").astype(int) for side in sides]
        differ = int(np.abs(drawn[0] - drawn[1]).max())
        assert differ <= 1, f"the two networks differ by {differ} levels"
        assert drawn[0].std() > 5, "an even picture says nothing"
        return peers.alternate(sides, REPEATS), differ


def main():
    with tempfile.TemporaryDirectory() as folder:
        taken, differ = measured(str(Path(folder) / "weights.npz"))
    result = {
        "megapixels_per_s": peers.rates(taken, (4 * SIDE) ** 2 / 1e6),
        "ratio": peers.ratio(taken["ours"], taken["theirs"]),
        "levels_apart": differ,
        "aim": 1.0,
        "machine": peers.machine(),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    peers.run(main, contestant)
