"""What it costs to train on several devices and in several processes: the same work on one machine, dealt out.

python benchmarks/distribution.py           # prints, and writes results/distribution.json

DCGAN-64, images a second of `fit`, the same batch of 64 in all: on one device; on 1, 2 and 4 logical devices of one
processor (MirroredStrategy, also with batch statistics over all of them); in 1 and 2 processes that talk over 127.0.0.1
(MultiWorkerMirroredStrategy). The devices share the same cores, so that nothing can get faster: what is seen is the
overhead, each against one device. The last two rows give each process a core of its own, where the machine has two:
there a second one can help, and the ratio says how much of it is left.
"""

import functools
import json
import os
import socket

import peers
import train_step

SMALL = {"width": 8, "batch": 8, "steps": 1, "devices": [1, 2], "workers": [1]}  # with --quick


# --- contestants ----------------------------------------------------------------------------------------


def contestant(width, batch, devices=None, workers=0, synchronized=False, core=None):
    """A process that fits; one of several waits for the others, so that nothing begins before it is asked.

    devices: None: no strategy; else how many logical ones. workers: processes of its cluster, 0: none.
    core: the only processor that it may use.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})
    build = functools.cache(lambda: model_under(strategy(devices, workers), width, synchronized))
    images = train_step.photographs(batch)
    return {"seconds": lambda steps: train_step.fit(build(), images, steps)}


def strategy(devices, workers):
    import tensorflow as tf

    if devices is not None:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    if workers:
        return tf.distribute.MultiWorkerMirroredStrategy()  # before anything is computed
    return None if devices is None else tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)])


def model_under(strategy, width, synchronized):
    import keras

    from keras_gans.models import DCGAN
    from keras_gans.training import distribution

    keras.utils.set_random_seed(0)
    with distribution.scope(strategy):
        model = DCGAN(size=64, width=width, synchronized=synchronized)
        model.compile()
    return model


def cluster(common, count, cores=None):
    """The options of `count` processes that know each other."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    found = []
    for i in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}}
        env = {"TF_CONFIG": json.dumps(config)}
        found.append({**common, "workers": count, "env": env, "core": None if cores is None else cores[i]})
    return found


def free_ports(count):
    """Numbers of ports that nobody listens at now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def entries(options):
    """{name: options of a contestant, or of each process of one}."""
    common = {"width": options.width, "batch": options.batch}
    found = {"one device": common}
    for count in options.devices:
        found[f"{count} logical"] = {**common, "devices": count}
    if max(options.devices) > 1:
        many = max(options.devices)
        found[f"{many} logical, synchronised statistics"] = {**common, "devices": many, "synchronized": True}
    for count in options.workers:
        found[f"{count} processes" if count > 1 else "1 process"] = cluster(common, count)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1 and max(options.workers) > 1:
        found["1 process, one core"] = cluster(common, 1, cores)
        found["2 processes, a core each"] = cluster(common, 2, cores)
    return found


# --- the whole ------------------------------------------------------------------------------------------


def measured(options):
    with peers.field(__file__, entries(options)) as workers:
        for worker in workers.values():  # what is built and traced is no part of it
            worker.ask("seconds", steps=1)
        taken = peers.alternate(workers, options.repeats, steps=options.steps)
    base = {name: values for name, values in taken.items() if not name.endswith(("one core", "a core each"))}
    found = {
        "images_per_s": peers.rates(taken, options.batch),
        "of_one_device": {
            name: peers.ratio(values, base["one device"]) for name, values in base.items() if name != "one device"
        },
    }
    if "1 process, one core" in taken:
        found["second_core"] = peers.ratio(taken["2 processes, a core each"], taken["1 process, one core"])
    return found


def said(found):
    peers.say("fit", found["images_per_s"], "images/s")
    peers.say("times as fast as one device", found["of_one_device"], "x", 2)
    print(f"  All of them share the same {peers.cores()} cores: no row can be above 1 for being dealt out.")
    if "second_core" in found:
        peers.say("a second process with a core of its own", {"times as fast as one": found["second_core"]}, "x", 2)


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=5)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--batch", type=int, default=64, help="images of a step, of all devices together [64]")
    parser.add_argument("--steps", type=int, default=3, help="steps timed in a row [3]")
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4], help="logical devices [1 2 4]")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes [1 2]")
    options = peers.asked(parser, arguments, SMALL)
    result = measured(options)
    said(result)
    peers.write("distribution", {"width": options.width, "batch": options.batch, **result}, options)


if __name__ == "__main__":
    peers.run(main, contestant)
