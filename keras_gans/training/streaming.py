"""Pictures by the million, to disk: in memory that does not grow, resumed after any end, by several processes.

While samples.npy is drawn, samples.npy.partial lies beside its place, and for each shard
samples.npy.partial.1-of-8.json: what is drawn, and how many of the shard's batches are done. When all are, the array
goes to its place, and these files go. What is done is drawn once; what was written beyond is written again, in the
same bytes, because a batch is a function of its number alone.
"""

import contextlib
import hashlib
import time

import filelock
import keras
import numpy as np

from keras_gans import artifacts
from keras_gans.artifacts import KerasGansError
from keras_gans.training import drawing, on_disk, sampling

PAUSE = 1.0  # seconds between two notes of how far it is
PATIENCE = 60.0  # seconds that the others may take over their files


def write(model, pictures, path, batch_size, shard=None, progress=None):
    """Draws pictures to disk.

    Args:
        model: an `AdversarialModel`.
        pictures: `sampling.Pictures`.
        path: an array that ends in .npy, or a folder.
        batch_size, shard, progress: as of `AdversarialModel.generate_to`.

    Returns:
        Whether all of it is there now: with shards, whether the others are done too.

    Raises:
        KerasGansError: something else is there, or was begun there; or another process draws it.
    """
    sampling.check_batch_size(batch_size)
    index, count = _checked_shard(shard)
    shards = _shards(-(-pictures.n // batch_size), count)
    about = {**pictures.about, "weights": fingerprint(model), "batch_size": int(batch_size)}
    job = Job(on_disk.target(path, pictures.n, model.image_shape), about, index, [len(numbers) for numbers in shards])
    if job.is_over():
        return True
    with job.alone():
        if (done := job.begin()) is None:
            return True
        # Whoever draws a part or goes on computes as for the whole.
        every = drawing.devices_of(model, every=True)
        brush = drawing.Drawing(model, "uint8", batch_size, every, drawing.pays_to_compile(pictures.n, batch_size))
        _draw(brush, pictures, batch_size, shards[index - 1], job, done, progress)
        return job.finish()


def _draw(brush, pictures, batch_size, numbers, job, done, progress):
    """Draws and writes the batches of a shard from its `done`-th on, and has the job note how far it is."""

    def span(number):
        return number * batch_size, min((number + 1) * batch_size, pictures.n)

    first, last = numbers.start * batch_size, min(numbers.stop * batch_size, pictures.n)
    left, noted = numbers[done:], time.monotonic()
    with job.writing(last - left.start * batch_size) as (write, settle):
        batches = brush.batches(pictures.inputs(*span(number)) for number in left)
        try:
            for number, found in zip(left, batches, strict=True):
                start, stop = span(number)
                write(start, found)
                done += 1
                if time.monotonic() - noted > PAUSE:
                    settle()
                    job.note(done)
                    noted = time.monotonic()
                if progress is not None:
                    progress(stop - first, last - first)
        finally:
            batches.close()
            settle()
            job.note(done)


def _shards(batches, count):
    """The numbers of each shard's batches: ranges that follow each other, as even as can be."""
    return [range(i * batches // count, (i + 1) * batches // count) for i in range(count)]


def _checked_shard(shard):
    """(index, count), of which the first is (1, count)."""
    if shard is None:
        return 1, 1
    numbers = tuple(shard) if isinstance(shard, (tuple, list)) else ()
    whole = len(numbers) == 2 and all(isinstance(x, (int, np.integer)) and not isinstance(x, bool) for x in numbers)
    if not whole or not 1 <= numbers[0] <= numbers[1]:
        raise ValueError(f"shard must be (index, count), from (1, count) to (count, count), got {shard!r}")
    return int(numbers[0]), int(numbers[1])


def fingerprint(model):
    """The SHA-256 of the weights that draw."""
    found = hashlib.sha256()
    for variable in model.sampler().weights:
        found.update(np.ascontiguousarray(keras.ops.convert_to_numpy(variable)).tobytes())
    return found.hexdigest()


class Job:
    """One shard's part of what several processes may be drawing, as files beside the place where the whole will be.

    Args:
        target: of `on_disk.target`.
        about: {name: value}, JSON: all that the bytes depend on.
        index: which shard this is, from 1 on.
        batches: how many each of the shards has.
    """

    def __init__(self, target, about, index, batches):
        self._target, self._about, self._index, self._batches = target, about, index, batches
        self._partial = _beside(target.path, artifacts.PARTIAL)

    def _file(self, index, ending):
        return _beside(self._partial, f".{index}-of-{len(self._batches)}.{ending}")

    def _notes(self):
        """The notes of all shards that were begun here, of however many."""
        found = self._partial.parent.glob("*-of-*.json")
        return [path for path in found if path.name.startswith(f"{self._partial.name}.")]

    def is_over(self):
        """Whether the whole is in its place; KerasGansError if something is there that may not be replaced."""
        if self._target.is_whole(self._about):
            self._clear()
            return True
        self._target.refuse()
        return False

    @contextlib.contextmanager
    def alone(self):
        """Keeps a second process from drawing the same shard."""
        self._partial.parent.mkdir(parents=True, exist_ok=True)
        error = f"{self._target.path} is being drawn by another process: wait for it, or end it."
        with _locked(self._file(self._index, "lock"), 0.0, error):
            yield

    def _agreed(self):
        """Keeps the other shards from the files of all for a moment."""
        path = _beside(self._partial, ".lock")
        return _locked(path, PATIENCE, f"{path} is held by another process: end it, and try again.")

    def begin(self):
        """How many of this shard's batches are done; None if the whole is in its place.

        Raises:
            KerasGansError: something else is there, or was begun there.
        """
        with self._agreed():
            if self.is_over():  # by now
                return None
            if self._partial.exists():
                self._refuse_others()
            if not self._target.is_begun(self._partial):
                for path in self._notes():  # of what somebody removed
                    path.unlink()
                self._target.begin(self._partial)
            if not self._file(self._index, "json").is_file():
                self.note(0)
            return self._done(self._index)

    def _refuse_others(self):
        """KerasGansError unless all shards draw the same."""
        mine = self._note(0)
        for path in self._notes():
            begun, asked = ({**note["about"], "shards": note["shards"]} for note in (artifacts.read_json(path), mine))
            differ = [key for key in {**begun, **asked} if begun.get(key) != asked.get(key)]
            if differ:
                old, new = (_shown(about.get(differ[0])) for about in (begun, asked))
                raise KerasGansError(
                    f"{self._partial} was begun with {differ[0]} {old}, and {new} came: ask for the same again, or "
                    "remove it and begin anew."
                )

    @contextlib.contextmanager
    def writing(self, count):
        """`writing` of the target, for so many pictures; an error of the disk says where it came."""
        try:
            with self._target.writing(self._partial, count) as found:
                yield found
        except OSError as error:
            error.filename = error.filename or str(self._partial)
            raise

    def note(self, done):
        """Writes down that so many batches are done."""
        artifacts.write_json(self._file(self._index, "json"), self._note(done))

    def _note(self, done):
        return {"done": done, "shards": len(self._batches), "about": self._about}

    def _done(self, index):
        path = self._file(index, "json")
        return artifacts.read_json(path)["done"] if path.is_file() else -1

    def finish(self):
        """Puts the whole in its place if all shards are done; returns whether it is there."""
        with self._agreed():
            if any(self._done(index) < batches for index, batches in enumerate(self._batches, start=1)):
                return False
            self._target.finish(self._partial, self._about)
            self._clear()
            return True

    def _clear(self):
        """Removes what is of no more use when the whole is there."""
        shards = range(1, len(self._batches) + 1)
        locks = [_beside(self._partial, ".lock"), *(self._file(index, "lock") for index in shards)]
        for path in (*self._notes(), *locks):
            with contextlib.suppress(OSError):  # Windows keeps what is open
                path.unlink(missing_ok=True)


def _beside(path, ending):
    return path.with_name(path.name + ending)


def _shown(value):
    """A value in an error; of a digest the beginning."""
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == 64 else str(value)


@contextlib.contextmanager
def _locked(path, patience, error):
    """Within this a file is this process's alone. KerasGansError with that text if it can not be."""
    lock = filelock.FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except filelock.Timeout as held:
        raise KerasGansError(error) from held
    try:
        yield
    finally:
        lock.release()
