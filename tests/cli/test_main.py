"""The entry point: what is imported when, and how errors and signals end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keras_gans import artifacts
from keras_gans.cli import main
from keras_gans.zoo import card

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"tensorflow", "keras", "torch", "jax", "tensorflow_datasets", "PIL"}


@pytest.mark.parametrize(
    "arguments",
    ["--help", "--version", "list", "list --json", "info dcgan_mnist", "train --help", "env", "cache ls"],
)
def test_starts_without_keras_and_numpy(arguments):
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from keras_gans.cli.main import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.stdout or arguments == "cache ls"
    assert not (HEAVY | {"numpy"}) & {module.partition(".")[0] for module in ran.stderr.split()}


def test_download_starts_without_keras(zoo):
    code = (
        "import sys; from pathlib import Path; from keras_gans.zoo import registry;"
        f"registry.models_folder = lambda: Path({str(zoo)!r});"
        "from keras_gans.cli.main import cli; cli(['download', 'toy_digits'], standalone_mode=False);"
        "print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    path, modules = ran.stdout.splitlines()
    assert path.endswith(".safetensors")
    assert not HEAVY & {module.partition(".")[0] for module in modules.split()}


def test_a_verb_imports_no_other_verb():
    code = "from keras_gans.cli.main import cli; import sys; cli(['cache', 'ls'], standalone_mode=False);"
    ran = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    ours = {name for name in ran.stdout.split() if name.startswith("keras_gans.cli.")}
    assert ours == {f"keras_gans.cli.{name}" for name in ("main", "cache", "output", "reference")}


def test_help_shows_every_verb_and_how_to_complete(kg):
    shown = kg("--help").stdout
    for verb in ("list", "info", "download", "generate", "train", "publish", "cache", "env", "doctor"):
        assert f"\n  {verb} " in shown
        assert kg(verb, "--help").stdout.startswith(f"Usage: keras-gans {verb}")
    assert "_KERAS_GANS_COMPLETE=bash_source" in shown
    assert "..." not in shown.partition("Commands:")[2]  # no description is cut


def test_version(kg):
    import keras_gans

    assert kg("--version").stdout == f"keras-gans {keras_gans.__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], [], ["list", "--nonsense"], ["info"], ["cache", "nonsense"]])
def test_wrong_usage_is_2(arguments, kg):
    result = kg(*arguments)
    assert result.exit_code == 2
    assert not result.stdout
    assert "Usage: keras-gans" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (artifacts.KerasGansError("One. Two."), 1, "One. Two."),
        (artifacts.DataError("No images: add some."), 1, "No images: add some."),
        (artifacts.DownloadError("No source: wait."), 3, "No source: wait."),
        (artifacts.WeightsCorruptedError("Bad bytes: again."), 4, "Bad bytes: again."),
        (artifacts.IncompatibleWeightsError("Other shape: look."), 4, "Other shape: look."),
        (artifacts.OfflineError("Off: go online."), 5, "Off: go online."),
        (
            artifacts.UnknownModelError("No x: list_models() shows them."),
            1,
            "No x: `keras-gans list` shows them.",
        ),
        (ValueError("first line\nsecond line"), 1, "first line"),
        (KeyError("key"), 1, "KeyError: 'key' (KERAS_GANS_DEBUG=1 shows where it comes from.)"),
        (
            PermissionError(13, "Permission denied", "/x"),
            1,
            "/x could not be used (Permission denied): check the path, its permissions and the space there.",
        ),
    ],
)
def test_every_error_is_one_sentence_and_a_code(error, code, text):
    failure = main.failure(error)
    assert (failure.exit_code, failure.message) == (code, text)


def test_long_errors_of_others_are_cut():
    assert len(main.failure(RuntimeError("x" * 10_000)).message) < 600


def test_an_error_ends_on_stderr(kg, zoo):
    result = kg("info", "toy_digit")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr == "Error: There is no model 'toy_digit': did you mean toy_digits or toy_recipe or toy_reader?\n"
    )


def test_debug_shows_where_an_error_comes_from(kg, zoo, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.setenv("KERAS_GANS_DEBUG", "1")
    shown = CliRunner().invoke(main.cli, ["info", "nothing"]).stderr
    assert "Traceback" in shown
    assert "registry.py" in shown


def test_the_librarys_log_is_shown_once_and_left_as_it_was(kg, zoo, caplog):
    import logging

    logger = logging.getLogger("keras_gans")
    before = (logger.level, logger.propagate, list(logger.handlers))
    path = kg("download", "toy_digits").stdout.strip()
    Path(path).write_bytes(b"damaged")
    shown = kg("download", "toy_digits").stderr
    assert shown.count(f"warning: {path} was corrupt") == 1
    assert not caplog.records  # no other handler was asked
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_a_closed_pipe_is_quiet(start):
    process = start("info", "dcgan_mnist")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_training_ends_with_its_code(number, code, start, photos):
    process = start("train", "vanilla_mnist", "--data", photos)
    assert process.stderr.readline().startswith("vanilla_mnist, recipe")
    process.send_signal(number)  # Keras is being imported now
    output, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert output == ""
    assert "Traceback" not in errors


def test_the_shell_completes_names_and_folders(start):
    def completed(words, position):
        variables = {"COMP_WORDS": words, "COMP_CWORD": position, "_KERAS_GANS_COMPLETE": "bash_complete"}
        return start(**variables).communicate(timeout=60)[0].split()

    assert "plain,dcgan_mnist" in completed("keras-gans info dcgan", "2")
    assert "plain,vanilla_mnist" not in completed("keras-gans info dcgan", "2")
    assert completed("keras-gans generate ./", "2") == ["dir,./"]
    assert completed("keras-gans li", "1") == ["plain,list"]


def test_list_offers_what_cards_can_say():
    from keras_gans.cli import list_

    options = {option.name: option.type for option in list_.command.params}
    assert tuple(options["task"].choices) == card.TASKS
    assert tuple(options["status"].choices) == card.STATUSES
