"""Shipped weights with a flipped bit, an emptied page, an end that is missing, or another model's bytes."""

import collections
import random
import shutil

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts
from keras_gans.artifacts import WeightsCorruptedError
from keras_gans.training.pretrained import Pretrained
from keras_gans.zoo import download, registry, weights

PAGE = 4096


def flipped(data, chance):
    """One bit to eight."""
    bad = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
    return bytes(bad)


def emptied(data, chance):
    """One page of zeros, as a disk gives for a block that was never written."""
    start = chance.randrange(-(-len(data) // PAGE)) * PAGE
    return data[:start] + bytes(len(data[start : start + PAGE])) + data[start + PAGE :]


def cut(data, chance):
    return data[: chance.randrange(len(data))]


def lengthened(data, chance):
    return data + chance.randbytes(chance.randint(1, PAGE))


MUTATIONS = {"bits flipped": flipped, "a page of zeros": emptied, "cut": cut, "too long": lengthened}


def mutations(data, others, count, seed):
    """`count` times (kind, bytes that differ from `data`); the other models' files are among them."""
    chance = random.Random(seed)
    found = [("another model's", other) for other in others][:count]
    while len(found) < count:
        kind = list(MUTATIONS)[len(found) % len(MUTATIONS)]
        bad = MUTATIONS[kind](data, chance)
        if bad != data:  # a page may hold zeros already, and two flips may fall on one bit
            found.append((kind, bad))
    return found


def refused_from_a_folder(folder, bad):
    """Whether `load` refuses it in a folder of the user's."""
    (folder / artifacts.WEIGHTS).write_bytes(bad)
    with pytest.raises(WeightsCorruptedError) as caught:
        keras_gans.load(folder)
    assert "\n" not in str(caught.value)
    return True


def mended_from_the_cache(card, path, bad, good):
    """Whether a cached file of these bytes is thrown away, and the shipped copy's tensors come instead."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bad)
    found = weights.locate(card)
    assert found.keys() == good.keys()
    assert all(np.array_equal(found[name], good[name]) for name in good)
    return not path.exists()


@pytest.mark.parametrize(
    ("names", "count"),
    [(["lenet_mnist", "attributes_celeba"], 20), pytest.param(None, 1000, marks=pytest.mark.full)],
)
def test_no_mutation_of_a_shipped_file_loads(names, count, tmp_path, monkeypatch, record):
    """Each is refused, in a folder and in the cache, before any tensor is set."""
    assigned = []
    monkeypatch.setattr(Pretrained, "assign_tensors", lambda *args: assigned.append(args))
    pretrained = [card for card in keras_gans.list_models() if card.status == "pretrained"]
    files = {card.name: (card.folder / artifacts.WEIGHTS).read_bytes() for card in pretrained}
    kinds, caught, thrown_away = collections.Counter(), 0, 0
    for card in pretrained:
        if names and card.name not in names:
            continue
        expected = artifacts.read_provenance(card.folder)
        good = artifacts.parse_weights(files[card.name], expected)
        path = download.cached_path(registry.info(card.name), expected)
        folder = tmp_path / card.name
        shutil.copytree(card.folder, folder)
        others = [data for name, data in files.items() if name != card.name]
        for kind, bad in mutations(files[card.name], others, count, card.name):
            kinds[kind] += 1
            caught += refused_from_a_folder(folder, bad)
            thrown_away += mended_from_the_cache(card, path, bad, good)
        shutil.rmtree(folder)
    assert caught == thrown_away == sum(kinds.values()) == count * len(names or pretrained)
    assert assigned == []
    figures = {"caught": caught, "thrown_away": thrown_away, "assigned": len(assigned)}
    record("mutations", files=len(names or pretrained), mutations=dict(kinds), **figures)
