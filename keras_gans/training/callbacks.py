"""Keras callbacks for adversarial training."""

import csv
import io
import time
from pathlib import Path

import keras

from keras_gans import artifacts
from keras_gans.data import images as image_data
from keras_gans.training import checkpoint, distribution, upscaled
from keras_gans.training.every import EverySteps
from keras_gans.training.health import Health as Health

PATIENCE = 10


class TrainingError(artifacts.KerasGansError):
    """Training stopped because it cannot go on; the text says why and what to try."""


class Stopped(artifacts.KerasGansError):
    """A run was asked to stop; everything is saved, and it goes on from there when it is started again."""


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops a run in which a player's gradient was not finite ten turns in a row. `fit` adds it by itself."""

    def on_train_batch_end(self, batch, logs=None):
        for player, count in self.model.nonfinite.items():
            if int(keras.ops.convert_to_numpy(count)) >= PATIENCE:
                raise TrainingError(
                    f"The {player}'s gradient was not finite for {PATIENCE} turns in a row, up to step "
                    f"{self.model.steps_taken}. No weight took it. Look for NaN in the data, lower the "
                    "learning rates, or add penalties={'r1': 1.0}; in float16, try bfloat16."
                )


class Checkpoint(EverySteps):
    """Writes the whole state of the run as it goes, and resumes from it when `fit` is called again.

    Of several processes the chief reads and writes; the others need the callback too, but not its folder.

    Bit for bit on a CPU with `tf.config.experimental.enable_op_determinism()` (`keras-gans train`
    turns it on), for data that `keras_gans.data.load`, an array or a folder gives.

    Args:
        folder: where the checkpoints are; nothing else should be there.
        every: steps between two of them; None: at the end of each epoch only.
        keep: how many to keep.
    """

    def __init__(self, folder, every=None, keep=2):
        super().__init__(every)
        self.folder, self.keep = Path(folder), keep
        self.seconds = 0.0  # of training, those before the resumption counted in
        self._began = None
        self._run = {}

    def resume(self, model, run=None):
        """Called by `fit` before it lays out the epochs.

        Args:
            model: the compiled model, which is set to the newest checkpoint that is whole.
            run: {"batch_size": ..., "data": ...}: what must be the same as before; None is not compared.

        Raises:
            CheckpointError: the checkpoints belong to another model, batch size or data.
        """
        if distribution.place(model).chief:
            checkpoint.clear_partial_files(self.folder)
        record = checkpoint.restore(model, self.folder, run or {})
        self._began = None
        if record is not None:
            model._fit_start = record["fit_start"]
            self.seconds = record["seconds"]
        self._run = run or {}

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._began = self._began or time.monotonic()

    def elapsed(self):
        """Seconds of training so far, over all resumptions."""
        return self.seconds + (time.monotonic() - self._began if self._began else 0.0)

    def act(self, step):
        self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()

    def save(self):
        """Writes a checkpoint now. Returns its path, or None where a weight is not finite."""
        record = {"fit_start": self.model._fit_start, "seconds": self.elapsed(), **self._run}
        return checkpoint.save(self.model, self.folder, record, self.keep)


class StopAfter(keras.callbacks.Callback):
    """Ends a run when the model has taken this many steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps_taken >= self.steps:
            self.model.stop_training = True


class StopWhen(keras.callbacks.Callback):
    """Saves the run and raises `Stopped` after the first step at which `asked()` is true. Belongs last.

    Args:
        asked: function without arguments. Of several processes all stop if it is true in one.
        kept: the run's `Checkpoint`.
    """

    def __init__(self, asked, kept):
        super().__init__()
        self.asked, self.kept = asked, kept

    def on_train_batch_end(self, batch, logs=None):
        if distribution.anywhere(self.model, self.asked()):
            path = self.kept.save()
            saved = "saved" if path else "not saved, for a weight is not finite,"
            raise Stopped(
                f"Stopped after step {self.model.steps_taken}, {saved} in {self.kept.folder}: "
                "start the same run again to go on."
            )


class SampleGrid(EverySteps):
    """Draws the same latents every so many steps: `<folder>/step-<number>.png`.

    Args:
        folder: where the pictures go.
        every: steps between two grids.
        n: pictures in each.
        seed: of the latents.
    """

    def __init__(self, folder, every, n=64, seed=0):
        super().__init__(every)
        self.folder, self.n, self.seed = Path(folder), n, seed

    def act(self, step):
        pictures = image_data.grid(self.model.generate(self.n, seed=self.seed))
        image_data.save_png(self.folder / f"step-{step:09d}.png", pictures)


class UpscaledGrid(EverySteps):
    """Upscales the same small pictures every so many steps: `<folder>/step-<number>.png`.

    A row each: bicubic, the model's, the photograph.

    Args:
        folder: where the pictures go.
        every: steps between two grids.
        data: `keras_gans.data.Patches`, whose first batch is looked at.
        n: rows.
    """

    def __init__(self, folder, every, data, n=8):
        super().__init__(every)
        self.folder = Path(folder)
        self._small, self._large = data.at(0, n)

    def act(self, step):
        picture = upscaled.rows(self.model, self._small, self._large)
        image_data.save_png(self.folder / f"step-{step:09d}.png", picture)


class Curve(EverySteps):
    """Writes each term's mean over the last `every` steps to a CSV file: step, then a column a term.

    A resumed run drops the rows after the step it resumes from, and goes on; its first row is the mean since then.

    Args:
        path: the CSV file.
        every: steps between two rows.
    """

    def __init__(self, path, every=100):
        super().__init__(every)
        self.path = Path(path)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._names = self.model.term_names()
        rows = read_curve(self.path) if self.path.exists() else []
        self._begin([row for row in rows if row["step"] <= self.model.steps_taken])
        self._left = dict.fromkeys(self._names, (0.0, 0.0))
        self.on_epoch_begin(0)

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = dict.fromkeys(self._names, (0.0, 0.0))  # means begin anew with each epoch
        self._ended = False

    def on_test_begin(self, logs=None):
        self._end()  # validation, at an epoch's end, is about to use the same means

    def on_epoch_end(self, epoch, logs=None):
        self._end()

    def _end(self):
        """Keeps what the epoch's steps since the last row left over, once."""
        if not self._ended:
            self._left = {name: self._since(name) for name in self._names}
            self._ended = True

    def act(self, step):
        row = {"step": step}
        for name in self._names:
            total, count = self._since(name)
            row[name] = round(total / max(count, 1.0), 5)
            self._seen[name] = self.so_far(name)
            self._left[name] = (0.0, 0.0)
        with open(self.path, "a", newline="") as file:
            self._rows_to(file).writerow(row)

    def _since(self, name):
        """(sum, count) of a term since the last row, what an ended epoch left over counted in."""
        total, count = self.so_far(name)
        (seen_total, seen_count), (left_total, left_count) = self._seen[name], self._left[name]
        return total - seen_total + left_total, count - seen_count + left_count

    def so_far(self, name):
        """(sum, count) of a term in this epoch."""
        mean = self.model.means[name]
        return _float(mean.total), _float(mean.count)

    def _begin(self, rows):
        """Writes the file anew, in one move: a process that is killed meanwhile loses no row."""
        text = io.StringIO()
        writer = self._rows_to(text)
        writer.writeheader()
        writer.writerows(rows)
        artifacts.write_atomically(self.path, text.getvalue().encode())

    def _rows_to(self, file):
        return csv.DictWriter(file, ["step", *self._names], lineterminator="\n")


def _float(variable):
    """A scalar variable as a float; of a sum that each replica keeps for itself, the first replica's."""
    parts = getattr(variable.value, "values", [variable.value])
    return float(keras.ops.convert_to_numpy(parts[0]))


def read_curve(path):
    """The rows of a Curve's file: dicts of numbers. A last line without its end was cut off, and is no row."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(line for line in file if line.endswith("\n")))
    return [{k: int(v) if k == "step" else float(v) for k, v in row.items()} for row in rows]
