"""The peer: the network of `keras_gans.models.DCGAN` (no classes, batch normalisation) in PyTorch, and its train step.

TensorFlow pads a convolution of stride 2 by one less before than after, PyTorch's padding is the other way round. So
the kernels are turned by 180 degrees as they are read, and the whole network sees and draws its images turned: the
same numbers and the same work, in the form in which PyTorch is fastest, without a copy for other padding.
"""

import contextlib
from typing import NamedTuple

import numpy as np
import peers
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

LAYOUTS = {"plain": torch.contiguous_format, "channels_last": torch.channels_last}


class Sizes(NamedTuple):
    """first: side of the smallest map; widths: channels of the maps from there on; and the network's own arguments."""

    first: int
    widths: list
    channels: int
    latent: int
    kernel: int

    @property
    def padding(self):
        return (self.kernel - 1) // 2


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class Generator(nn.Module):
    """z (n, latent) -> images (n, channels, side, side) in [-1, 1]."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes
        self.project = nn.Linear(sizes.latent, sizes.first**2 * sizes.widths[0], bias=False)
        self.norm_project = norm(sizes.widths[0])
        outs = [*sizes.widths[1:], sizes.channels]
        form = {"stride": 2, "padding": sizes.padding, "output_padding": sizes.kernel % 2, "bias": False}
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, sizes.kernel, **form) for a, b in zip(sizes.widths, outs, strict=True)
        )
        self.norm = nn.ModuleList(norm(width) for width in sizes.widths[1:])

    def forward(self, z):
        x = self.project(z).view(-1, self.sizes.widths[0], self.sizes.first, self.sizes.first)
        x = functional.relu(self.norm_project(x))
        for up, normalize in zip(self.up[:-1], self.norm, strict=True):
            x = functional.relu(normalize(up(x)))
        return torch.tanh(self.up[-1](x).float())


class Discriminator(nn.Module):
    """Images (n, channels, side, side) -> logits (n, 1)."""

    def __init__(self, sizes):
        super().__init__()
        outs = sizes.widths[::-1]
        ins = [sizes.channels, *outs[:-1]]
        form = {"stride": 2, "padding": sizes.padding, "bias": False}
        self.down = nn.ModuleList(nn.Conv2d(a, b, sizes.kernel, **form) for a, b in zip(ins, outs, strict=True))
        self.norm = nn.ModuleList(norm(width) for width in outs[1:])
        self.logit = nn.Linear(sizes.first**2 * outs[-1], 1)

    def forward(self, x):
        x = functional.leaky_relu(self.down[0](x), 0.2)
        for down, normalize in zip(self.down[1:], self.norm, strict=True):
            x = functional.leaky_relu(normalize(down(x)), 0.2)
        return self.logit(x.flatten(1)).float()


# --- weights, by the names that Keras has for them ------------------------------------------------------


def players(saved, layout="plain"):
    """Both networks with the weights {"generator/up_0/kernel": array, ...} of a Keras model."""
    sizes, form = _sizes(saved), LAYOUTS[layout]
    discriminator = Discriminator(sizes)
    _put(discriminator.logit.weight, _turned_map(saved["discriminator/logit/kernel"], sizes).T)
    _put(discriminator.logit.bias, saved["discriminator/logit/bias"])
    for i, down in enumerate(discriminator.down):
        _put(down.weight, _kernel(saved[f"discriminator/down_{i}/kernel"]))
    for i, normalize in enumerate(discriminator.norm):
        _norm(normalize, saved, f"discriminator/norm_{i + 1}")
    return drawing(saved, layout), discriminator.to(device(), memory_format=form)


def drawing(saved, layout="plain"):
    """The generator alone."""
    network = Generator(_sizes(saved))
    columns = saved["generator/project/kernel"].T  # (places and channels, latent)
    _put(network.project.weight, _turned_map(columns, network.sizes))
    for i, up in enumerate(network.up):
        _put(up.weight, _kernel(saved[f"generator/up_{i}/kernel"]))
    _norm(network.norm_project, saved, "generator/norm_project")
    for i, normalize in enumerate(network.norm):
        _norm(normalize, saved, f"generator/norm_{i}")
    return network.to(device(), memory_format=LAYOUTS[layout])


def _sizes(saved):
    latent, places = saved["generator/project/kernel"].shape
    kernels = [saved[key] for key in sorted(saved) if key.startswith("generator/up_")]
    widths = [kernel.shape[3] for kernel in kernels]
    first = round((places / widths[0]) ** 0.5)
    return Sizes(first, widths, kernels[-1].shape[2], latent, kernels[0].shape[0])


def _put(parameter, value):
    assert tuple(parameter.shape) == value.shape, f"{tuple(parameter.shape)} was wanted and {value.shape} came"
    parameter.data = torch.tensor(np.ascontiguousarray(value))


def _kernel(value):
    """(h, w, out, in) of a transposed convolution -> (in, out, h, w); (h, w, in, out) -> (out, in, h, w)."""
    return value[::-1, ::-1].transpose(3, 2, 0, 1)


def _turned_map(value, sizes):
    """(h w c, k), by the places and channels of the smallest map -> (c h w, k), turned."""
    first, width = sizes.first, sizes.widths[0]
    return value.reshape(first, first, width, -1)[::-1, ::-1].transpose(2, 0, 1, 3).reshape(-1, value.shape[1])


def _norm(layer, saved, name):
    _put(layer.weight, saved[f"{name}/gamma"])
    _put(layer.bias, saved[f"{name}/beta"])
    layer.running_mean.data = torch.tensor(saved[f"{name}/moving_mean"])
    layer.running_var.data = torch.tensor(saved[f"{name}/moving_variance"])


def turned(images, layout="plain"):
    """(n, h, w, c) of NumPy as this network sees images."""
    form = np.ascontiguousarray(images[:, ::-1, ::-1].transpose(0, 3, 1, 2))
    return torch.tensor(form).to(device(), memory_format=LAYOUTS[layout])


# --- the step -------------------------------------------------------------------------------------------


class Trainer:
    """The turns that our step takes, on images that are there, with new latents for each.

    Args:
        saved: weights (see `players`).
        images: (n, h, w, c) in [-1, 1].
        layout: "plain" or "channels_last".
        precision: "float32", or "bfloat16" by autocast.
        rate: Adam's.
        compiled: whether torch.compile is asked for.
        example: the turns of PyTorch's own DCGAN example instead: what was drawn for the discriminator serves the
            generator's turn too, and gradients of the discriminator's weights are taken there that nobody uses.
    """

    def __init__(self, saved, images, layout="plain", precision="float32", rate=2e-4, compiled=False, example=False):
        torch.set_num_threads(peers.cores())
        self.generator, self.discriminator = players(saved, layout)
        self.images, self.precision, self.example = turned(images, layout), precision, example
        self.latent = self.generator.sizes.latent
        self.draw, self.judge = self.generator, self.discriminator
        if compiled:
            self.draw, self.judge = torch.compile(self.generator), torch.compile(self.discriminator)
        form = {"lr": rate, "betas": (0.5, 0.999), "eps": 1e-8, "fused": True}
        self.optimizers = [torch.optim.Adam(x.parameters(), **form) for x in (self.discriminator, self.generator)]

    def set_rate(self, rate):
        """Of both optimizers."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def step(self, latents=(None, None)):
        """Both turns. Returns the two losses, as tensors."""
        first, second = (self._latents() if z is None else torch.tensor(z).to(device()) for z in latents)
        if self.example:
            return self._step_of_the_example(first)
        with torch.no_grad(), self._precision():
            fake = self.draw(first)
        on_discriminator = self._discriminators_turn(fake)
        with frozen(self.discriminator):
            return on_discriminator, self._generators_turn(lambda: self.draw(second))

    def _step_of_the_example(self, z):
        with self._precision():
            fake = self.draw(z)
        return self._discriminators_turn(fake.detach()), self._generators_turn(lambda: fake)

    def _discriminators_turn(self, fake):
        with self._precision():
            real, fake = self.judge(self.images), self.judge(fake)
        loss = functional.softplus(-real).mean() + functional.softplus(fake).mean()
        self._move(self.optimizers[0], loss)
        return loss.detach()

    def _generators_turn(self, fake):
        with self._precision():
            logits = self.judge(fake())
        loss = functional.softplus(-logits).mean()
        self._move(self.optimizers[1], loss)
        return loss.detach()

    def _move(self, optimizer, loss):
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _latents(self):
        return torch.rand(len(self.images), self.latent, device=device()) * 2 - 1

    def _precision(self):
        return autocast(self.precision)


def autocast(precision):
    """The context in which PyTorch computes in a precision."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device(), dtype=torch.bfloat16)


@contextlib.contextmanager
def frozen(network):
    """No gradient of the network's weights is taken."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def device():
    """ "cuda" where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


# --- drawing --------------------------------------------------------------------------------------------


def folded(network):
    """The generator with its batch normalisation inside its convolutions, as it may be when it only draws."""
    network = network.eval()
    for i, normalize in enumerate(network.norm):
        network.up[i] = fuse_conv_bn_eval(network.up[i], normalize, transpose=True)
        network.norm[i] = nn.Identity()
    return network


def sampler(network, layout="plain", precision="float32", compiled=False):
    """A function of latents (n, latent), or of how many to draw, that gives uint8 (n, h, w, c) of NumPy, turned."""
    torch.set_num_threads(peers.cores())
    network = network.eval().to(device(), memory_format=LAYOUTS[layout])
    draw = torch.compile(network) if compiled else network

    def run(z):
        with torch.inference_mode(), autocast(precision):
            z = torch.rand(z, network.sizes.latent) * 2 - 1 if isinstance(z, int) else torch.as_tensor(z)
            images = draw(z.to(device()))
            levels = ((images + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
            return levels.permute(0, 2, 3, 1).cpu().numpy()

    return run
