"""Cross-entropy and accuracy of logits, for labels as well as for shares of each class."""

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="keras_gans")


def shares(targets, classes):
    """Labels (n,) or (n, 1), or shares (n, classes), as shares: float32 (n, classes)."""
    if len(targets.shape) == 2 and targets.shape[-1] == classes:
        return ops.cast(targets, "float32")
    return ops.one_hot(ops.cast(ops.reshape(targets, (-1,)), "int32"), classes, dtype="float32")


@register
class CrossEntropy(keras.losses.Loss):
    """Between logits (n, classes) and labels (n,) or shares (n, classes).

    Args:
        label_smoothing: how much of each target goes to all classes alike (Szegedy et al. 2016), in [0, 1).
    """

    def __init__(self, label_smoothing=0.0, name="cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)
        if isinstance(label_smoothing, bool) or not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be a number of at least 0 and less than 1, got {label_smoothing!r}")
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        classes = y_pred.shape[-1]
        target = shares(y_true, classes)
        target = (1.0 - self.label_smoothing) * target + self.label_smoothing / classes
        return -ops.sum(target * ops.log_softmax(ops.cast(y_pred, "float32")), axis=-1)

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def _hits(y_true, y_pred):
    """1 where the likeliest class is the one with the largest share, else 0: float32 (n,)."""
    wanted = ops.argmax(shares(y_true, y_pred.shape[-1]), axis=-1)
    return ops.cast(ops.equal(wanted, ops.argmax(y_pred, axis=-1)), "float32")


@register
class Accuracy(keras.metrics.MeanMetricWrapper):
    """How often the likeliest class is the label (n,), or the class with the largest share (n, classes)."""

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(fn=_hits, name=name, dtype=dtype)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}
