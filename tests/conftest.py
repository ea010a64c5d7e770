"""Before anything starts TensorFlow: no GPU, two logical processors, and operations that add up in one order."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pytest

import processor

# As it is by itself; said, so that runs of `keras-gans train`, which asks for it, add up as this process does.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", str(int(processor.ONEDNN)))


def pytest_collection_modifyitems(config, items):
    """Leaves out the full versions of experiments, which take minutes, unless `-m full` or the like asks for them."""
    if "full" in config.option.markexpr:
        return
    left = [item for item in items if item.get_closest_marker("full")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session", autouse=True)
def _tensorflow():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.experimental.enable_op_determinism()


@pytest.fixture(autouse=True)
def _seed():
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
