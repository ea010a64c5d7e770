"""A model folder to the hub, in one commit, by huggingface_hub; how it comes back is `download.hub`'s.

Only the files that make a model folder are sent, whatever else lies beside them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from keras_gans import artifacts
from keras_gans.artifacts import KerasGansError, OfflineError, is_offline

CURVES = ("curve.csv", "curve.png")


def check_ready(repo: str, offline: bool | None = None) -> Any:
    """huggingface_hub, if an upload can be begun: before anything long is done for it.

    Raises KerasGansError if the extra [hub] is not installed or there is no token, OfflineError.
    """
    if is_offline(offline):
        raise OfflineError(f"hf://{repo} was not written because the network is off: go online.")
    try:
        import huggingface_hub
    except ImportError as error:
        raise KerasGansError(
            f"hf://{repo} needs huggingface_hub, which is not installed: pip install 'keras_gans[hub]'."
        ) from error
    if not huggingface_hub.get_token():
        raise KerasGansError(
            f"hf://{repo} needs a token that may write there, and none was found: set HF_TOKEN, or run `hf auth login`."
        )
    return huggingface_hub


def upload(folder: Path, readme: str, repo: str, revision: str | None = None, offline: bool | None = None) -> None:
    """Sends a model folder, with `readme` as its README.md. The weights are hashed first: nothing corrupt goes out.

    repo: "user/repo", made, and public, if it is not there. revision: a branch, likewise; None: the main one.
    Raises KerasGansError, OfflineError, WeightsCorruptedError.
    """
    hub = check_ready(repo, offline)
    expected = artifacts.read_provenance(folder)
    data = artifacts.read_bytes(folder / artifacts.WEIGHTS, expected)
    artifacts.check_bytes(data, expected, str(folder / artifacts.WEIGHTS))
    with tempfile.TemporaryDirectory(prefix="keras_gans_hub_") as temporary:
        stage = Path(temporary)
        for name in (*artifacts.FILES, *CURVES):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, stage / name)
        (stage / artifacts.WEIGHTS).write_bytes(data)  # the bytes that were hashed
        (stage / "README.md").write_text(readme, encoding="utf-8")
        _send(hub, stage, repo, revision)


def _send(hub: Any, stage: Path, repo: str, revision: str | None) -> None:
    try:
        hub.create_repo(repo_id=repo, repo_type="model", exist_ok=True)
        if revision is not None and not revision.startswith("refs/"):  # a pull request's is there already
            hub.create_branch(repo_id=repo, repo_type="model", branch=revision, exist_ok=True)
        hub.upload_folder(
            repo_id=repo,
            repo_type="model",
            folder_path=str(stage),
            revision=revision,
            delete_patterns=[artifacts.SCORES, artifacts.SAMPLES, artifacts.PROMPTS, *CURVES],  # those of other weights
            commit_message="Model folder, by keras-gans publish",
        )
    except Exception as error:  # httpx's, requests' and its own: the library's set of errors changes
        raise KerasGansError(
            f"hf://{repo} could not be written ({type(error).__name__}): "
            "check the name, whether the token may write there, and the network."
        ) from error
