"""One thing to try for what `Health` finds, given how a model is compiled."""

import keras


def advice(kind, model, player="discriminator"):
    """One sentence: what to try, given what is compiled."""
    return f"Try {_ADVICE[kind](model, player)}."


def _against_collapse(model, player):
    if not _holds(model, "r1", "r2", "gradient_penalty"):
        return _balance(model) or _R1
    return _balance(model) or _augment(model) or _half(model, "generator")


def _against_winning(model, player):
    found = _balance(model) or _augment(model)
    return found or (_half(model, "discriminator") if _holds(model, "r1", "gradient_penalty") else _R1)


def _balance(model):
    """What to do about learning rates that are far apart, or None. Those of unlike optimizers tell nothing."""
    ours, other = (rate(getattr(model, f"{player}_optimizer")) for player in ("discriminator", "generator"))
    if other == 0:
        return "a learning rate above 0 for the generator"
    alike = type(model.discriminator_optimizer) is type(model.generator_optimizer)
    if alike and None not in (ours, other) and ours > 4 * other:
        return f"a lower learning rate for the discriminator: it is {ours:g}, and the generator's {other:g}"
    return None


def _augment(model):
    return None if model.augment_policies else "augment=('color', 'translation', 'cutout') in compile"


def _against_silence(model, player):
    if rate(model.discriminator_optimizer) == 0:
        return "a learning rate above 0 for the discriminator"
    for name in ("r1", "r2", "gradient_penalty"):
        if _holds(model, name):
            return f"a tenth of the penalty: penalties={{'{name}': {model.penalties[name] / 10:g}}} in compile"
    return f"twice the discriminator's learning rate{_now(model, 'discriminator')}"


def _against_skipping(model, player):
    if "float16" in {getattr(model, p).dtype_policy.compute_dtype for p in model.players}:
        return 'dtype="mixed_bfloat16", whose numbers reach as far as float32'
    return _half(model, player)


def _against_nan(model, player):
    return "np.isfinite on the batches that the pipeline gives"


_R1 = "penalties={'r1': 1.0} in compile"
_ADVICE = {
    "collapse": _against_collapse,
    "won": _against_winning,
    "silent": _against_silence,
    "skipped": _against_skipping,
    "piped": _against_nan,  # turns were skipped, and nobody has seen all of the data
}


def _holds(model, *names):
    return any(model.penalties.get(name) for name in names)


def rate(optimizer):
    """The learning rate as it stands now; None where an optimizer has none."""
    value = getattr(optimizer, "learning_rate", None)
    return None if value is None else float(keras.ops.convert_to_numpy(value))


def _half(model, player):
    return f"half the {player}'s learning rate{_now(model, player)}"


def _now(model, player):
    value = rate(getattr(model, f"{player}_optimizer"))
    return "" if value is None else f", now {value:g}"
