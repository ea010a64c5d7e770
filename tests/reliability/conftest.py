"""What the experiments share: where a full run leaves its figures."""

import json
import platform
from pathlib import Path

import filelock
import pytest

from keras_gans import artifacts
from model_folders import cache, card_dict, publish, same, serve

__all__ = ["cache", "card_dict", "publish", "same", "serve"]

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "reliability.json"


@pytest.fixture
def record(request, tmp_path_factory):
    """`record(experiment, **figures)` keeps what a test marked `full` measured, for docs/reliability.md."""

    def keep(experiment, **figures):
        if request.node.get_closest_marker("full") is None:
            return
        with filelock.FileLock(tmp_path_factory.getbasetemp().parent / "reliability.lock"):
            found = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
            test = request.node.nodeid.partition("[")[0]
            found[experiment] = {**figures, "test": test, "python": platform.python_version()}
            artifacts.write_json(RESULT, dict(sorted(found.items())))

    return keep
