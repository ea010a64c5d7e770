"""Writes metrics.npz: what independent public implementations say of small sets of features.

Needs `pip install -e ".[crosscheck]"`. Fréchet distances, kernel distances and Inception scores by torch-fidelity;
precision, recall, density and coverage by prdc. Fréchet distances are held to scipy.linalg.sqrtm as well, by which
Heusel et al. take them.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))


def sets():
    """(fake, real): easy, correlated and of unequal size, skewed and non-negative as pooled ReLU features are; whole
    numbers, of which many are equally near; and with copies of real rows among the samples, in eighths. Sums of squares
    of the last two are exact, so that prdc has no rounding to decide what lies on a ball's edge.
    """
    rng = np.random.default_rng(7)
    mix = rng.normal(size=(16, 16))
    yield rng.normal(size=(120, 8)), rng.normal(size=(120, 8)) + 0.5
    yield rng.normal(size=(300, 16)) @ mix, 1.2 * rng.normal(size=(220, 16)) @ mix + 0.3
    yield np.maximum(rng.normal(size=(260, 24)), 0) ** 2, np.maximum(rng.normal(size=(260, 24)) - 0.2, 0) ** 2
    yield rng.integers(0, 5, (200, 4)), rng.integers(0, 4, (180, 4))
    fresh, real = (np.round(8 * rng.normal(size=(n, 8))) / 8 for n in (75, 150))
    yield np.concatenate([rng.permutation(real)[:75], fresh]), real


def frechet(fake, real):
    """torch-fidelity's."""
    import torch
    from torch_fidelity import metric_fid

    sides = [metric_fid.fid_features_to_statistics(torch.from_numpy(side)) for side in (fake, real)]
    return metric_fid.fid_statistics_to_metric(*sides, verbose=False)[metric_fid.KEY_METRIC_FID]


def frechet_by_root(fake, real):
    """By a matrix square root."""
    import scipy.linalg

    s, t = np.cov(fake.T), np.cov(real.T)
    root = scipy.linalg.sqrtm(s @ t)
    gap = fake.mean(0) - real.mean(0)
    return gap @ gap + np.trace(s) + np.trace(t) - 2 * np.trace(root.real)


def kernel(fake, real, subsets):
    """torch-fidelity's estimate for each pair of row numbers."""
    from torch_fidelity.metric_kid import kernel_mmd

    return np.array([kernel_mmd(fake[i], real[j]) for i, j in subsets])


def inception(logits, part, splits):
    """torch-fidelity's mean and deviation, with its splits in the order of `part`."""
    import torch
    from torch_fidelity import metric_isc

    ordered = torch.from_numpy(logits[np.argsort(part, kind="stable")])
    found = metric_isc.isc_features_to_metric(ordered, splits, shuffle=False)
    return found[metric_isc.KEY_METRIC_ISC_MEAN], found[metric_isc.KEY_METRIC_ISC_STD]


def prdc(fake, real, k):
    """(precision, recall, density, coverage)."""
    import contextlib
    import io

    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real, fake, k)
    return [float(found[key]) for key in ("precision", "recall", "density", "coverage")]


def main():
    from keras_gans.metrics import kernel as ours

    kept = {"frechet": [], "kernel": [], "prdc_3": [], "prdc_5": []}
    arrays = {}
    for k, (fake, real) in enumerate(sets()):
        fake, real = fake.astype("float32"), real.astype("float32")
        arrays[f"fake_{k}"], arrays[f"real_{k}"] = fake, real
        wide, other = fake.astype("float64"), real.astype("float64")
        kept["frechet"].append(frechet(wide, other))
        assert abs(kept["frechet"][-1] - frechet_by_root(wide, other)) < 1e-8
        kept["kernel"].append(kernel(wide, other, ours.subsets(len(fake), len(real), 4, 50, seed=k)))
        kept["prdc_3"].append(prdc(wide, other, 3))
        kept["prdc_5"].append(prdc(wide, other, 5))
    logits = 2 * np.random.default_rng(8).normal(size=(400, 12))
    part = np.random.default_rng(3).permutation(400) % 10
    arrays["logits"], arrays["inception"] = logits.astype("float32"), inception(logits.astype("float32"), part, 10)
    np.savez_compressed(HERE / "metrics.npz", **arrays, **{key: np.array(value) for key, value in kept.items()})


if __name__ == "__main__":
    main()
