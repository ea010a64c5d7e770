"""The entry point: finds a verb's file when it is typed, and turns every error into a sentence and a code."""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import click

# verb: the file it lives in, in the order in which --help shows them
VERBS = {
    "list": "list_",
    "info": "info",
    "download": "download",
    "generate": "generate",
    "upscale": "upscale",
    "train": "train",
    "evaluate": "evaluate",
    "benchmark": "benchmark",
    "publish": "publish",
    "cache": "cache",
    "env": "env",
    "doctor": "doctor",
}
INTERRUPTED, TERMINATED = 130, 143  # 128 + the signal's number, as shells have it

_HELP = """Pretrained generative adversarial networks for Keras 3.

\b
  keras-gans list                                   what there is
  keras-gans generate dcgan_mnist --out grid.png    a page of pictures
  keras-gans upscale photo.jpg                      four times as wide
  keras-gans train dcgan_mnist --out runs/mine      train it again
  keras-gans evaluate dcgan_mnist                   measure it

NAME is a published name; or a folder with a card.toml, written with ./ or / or ~ before it; or
hf://user/repo@revision. Results go to stdout, progress to stderr.

\b
Exit codes: 0 done, 1 refused or failed, 2 usage, 3 not downloaded, 4 damaged or wrong weights, 5 offline.
Completion: eval "$(_KERAS_GANS_COMPLETE=bash_source keras-gans)" in ~/.bashrc; also zsh_source, fish_source.
"""


class Failure(click.ClickException):
    """An error as the shell sees it: "Error: <sentence>" on stderr, and an exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.__dict__["exit_code"] = code  # a class variable to click


class Verbs(click.Group):
    """Imports a verb's file only when the verb is invoked or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f".{VERBS[cmd_name]}", __package__).command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click ends quietly when nobody reads on
            if os.environ.get("KERAS_GANS_DEBUG"):
                logging.getLogger("keras_gans").exception("KERAS_GANS_DEBUG is set:")
            raise failure(error) from error


def failure(error: Exception) -> Failure:
    """The sentence and the exit code of any error."""
    from keras_gans import artifacts

    codes = (
        (artifacts.OfflineError, 5),
        (artifacts.WeightsCorruptedError, 4),
        (artifacts.IncompatibleWeightsError, 4),
        (artifacts.DownloadError, 3),
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), 1)
    if isinstance(error, artifacts.KerasGansError):
        return Failure(str(error).replace("list_models() shows", "`keras-gans list` shows"), code)
    if isinstance(error, OSError) and error.filename is not None:
        advice = "check the path, its permissions and the space there"
        return Failure(f"{error.filename} could not be used ({error.strerror}): {advice}.", code)
    # Anything else may be long (TensorFlow's errors go over pages): its first line says what it is.
    lines = str(error).strip().splitlines()
    text = lines[0][:400] if lines else ""
    if isinstance(error, ValueError | NotImplementedError) and text:
        return Failure(text, code)
    return Failure(f"{type(error).__name__}: {text} (KERAS_GANS_DEBUG=1 shows where it comes from.)", code)


class _Log(logging.Handler):
    """The library's log on stderr; only its warnings are called by their name."""

    def emit(self, record: logging.LogRecord) -> None:
        before = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        click.echo(before + self.format(record), err=True)


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    """Shows the library's log while a verb is at work."""
    logger, absl, handler = logging.getLogger("keras_gans"), logging.getLogger("absl"), _Log()
    before = logger.level, logger.propagate, absl.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # absl would show it again
    absl.setLevel(logging.ERROR)  # TensorFlow Datasets warns of itself there
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
        absl.setLevel(before[2])


def _version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        import keras_gans

        click.echo(f"keras-gans {keras_gans.__version__}")
        ctx.exit()


@click.group(cls=Verbs, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    ctx.with_resource(_logging())


def main() -> None:
    """`keras-gans`, and `python -m keras_gans`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes about itself are no results
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # what a terminal can not show must not stop a listing
    signal.signal(signal.SIGTERM, _terminated)
    try:
        cli(prog_name="keras-gans")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _terminated(number: int, frame: object) -> None:
    """Ends as an exception does, so that what is half written is cleared away."""
    sys.exit(TERMINATED)
