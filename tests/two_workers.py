"""Two processes on 127.0.0.1 that find each other by TF_CONFIG."""

import json
import socket


def configurations():
    """TF_CONFIG of each of the two, at ports that were free just now."""
    with socket.socket() as one, socket.socket() as two:
        for taken in (one, two):
            taken.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (one, two)]
    for index in range(2):
        yield json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
