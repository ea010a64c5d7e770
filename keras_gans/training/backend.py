"""What training and sampling ask of each Keras backend beyond Keras."""

import contextlib
import importlib
import os
import threading

import keras

TRAINS = ("tensorflow", "jax")

_switch = threading.Lock()  # of TensorFlow's TensorFloat-32, which all threads share
_precise: list[bool] = []  # for each block of `full_precision` that runs, how the switch stood before the first


def gradient_step():
    """The module that takes gradients on the current Keras backend."""
    backend = keras.backend.backend()
    if backend not in TRAINS:
        raise NotImplementedError(f"training needs the Keras backend {' or '.join(TRAINS)}, this is {backend}")
    return importlib.import_module(f"keras_gans.training.{backend}_step")


def add_up_in_one_order():
    """Asks the backend for operations that always add up in the same order.

    XLA reads its flags when JAX first looks for devices: what is asked of it later goes unheard. On a CPU it needs
    none.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "jax" and "xla_gpu_deterministic_ops" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".lstrip()


@contextlib.contextmanager
def full_precision():
    """Products of float32 matrices are computed as such: GPUs round their factors to 10 bits unless told."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
    elif backend == "tensorflow":
        import tensorflow as tf

        with _switch:  # the first one in turns it off, the last one out puts it back
            _precise.append(_precise[0] if _precise else tf.config.experimental.tensor_float_32_execution_enabled())
            tf.config.experimental.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            with _switch:
                before = _precise.pop()
                if not _precise:
                    tf.config.experimental.enable_tensor_float_32_execution(before)
    else:
        yield


def accelerators():
    """Names of the devices beside the CPU that the backend computes on."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.local_devices() if device.platform != "cpu"]
    if backend == "tensorflow":
        import tensorflow as tf

        found = [device for device in tf.config.get_visible_devices() if device.device_type != "CPU"]
        details = [tf.config.experimental.get_device_details(device) for device in found]
        return [known.get("device_name", device.device_type) for device, known in zip(found, details, strict=True)]
    return []


def version():
    """{package: version} of the backend."""
    backend = keras.backend.backend()
    return {backend: importlib.import_module(backend).__version__}


def inference(network):
    """A functional model of one image input as a function of a NumPy batch of any size, layers as at inference."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        (shape,) = (tuple(x.shape) for x in network.inputs)
        signature = [tf.TensorSpec(shape, "float32")]
        return tf.function(lambda x: network(x, training=False), input_signature=signature, autograph=False)
    if keras.backend.backend() == "jax":
        import jax

        def run(weights, x):
            with keras.StatelessScope(list(zip(network.variables, weights, strict=True))):
                return network(x, training=False)

        compiled = jax.jit(run)
        return lambda x: compiled([v.value for v in network.variables], x)
    return lambda x: network(x, training=False)


def is_out_of_memory(error):
    """Whether an exception of any backend says that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return type(error).__name__ == "ResourceExhaustedError" or "RESOURCE_EXHAUSTED" in str(error)
