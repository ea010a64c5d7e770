"""Checkpoints, curves and grids of a run."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import artifacts, callbacks
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import checkpoint, run


@pytest.fixture
def model():
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)
    model.compile()
    return model


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (32, 8, 8, 1), dtype="uint8")


def test_checkpoints_keep_the_last_two_and_skip_a_damaged_one(model, images, tmp_path):
    model.fit(images, batch_size=8, epochs=3, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)
    paths = checkpoint.found(tmp_path)
    assert [path.name[:14] for path in paths] == ["step-000000008", "step-000000012"]
    data = bytearray(paths[1].read_bytes())
    data[-1] ^= 1
    paths[1].write_bytes(data)
    record = checkpoint.restore(model, tmp_path)
    assert int(model.steps) == 8
    assert record["fit_start"] == 0
    paths[0].write_bytes(b"")
    with pytest.raises(keras_gans.CheckpointError, match=r"None of the 2 checkpoints in .* is whole"):
        checkpoint.restore(model, tmp_path)


def test_a_damaged_checkpoint_of_a_later_step_is_none_of_those_that_are_kept(model, tmp_path):
    for step in (2, 4):
        model.steps.assign(step)
        newest = checkpoint.save(model, tmp_path, {}, keep=2)
    newest.write_bytes(b"")
    checkpoint.restore(model, tmp_path)
    model.steps.assign(3)
    newest = checkpoint.save(model, tmp_path, {}, keep=1)
    assert checkpoint.found(tmp_path) == [newest]


def test_a_whole_checkpoint_of_a_later_step_stays(model, tmp_path):
    model.steps.assign(4)
    later = checkpoint.save(model, tmp_path, {})
    model.steps.assign(3)
    earlier = checkpoint.save(model, tmp_path, {}, keep=1)
    assert checkpoint.found(tmp_path) == [earlier, later]


def test_what_a_killed_process_had_begun_to_write_is_removed(model, images, tmp_path):
    left, other = tmp_path / ".step-000000004-.0123456789abcdef.partial", tmp_path / "mine.partial"
    left.write_bytes(b"half")
    other.write_bytes(b"not ours")
    model.fit(images, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)
    assert not left.exists()
    assert other.exists()


def test_a_row_of_the_curve_that_was_cut_off_is_none(model, images, tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("step,d_loss,g_loss\n2,1.5,0.5\n4,1")
    assert callbacks.read_curve(path) == [{"step": 2, "d_loss": 1.5, "g_loss": 0.5}]
    model.steps.assign(2)
    model.fit(images, batch_size=8, callbacks=[callbacks.Curve(path, every=2), callbacks.StopAfter(4)], verbose=0)
    assert path.read_text().startswith("step,d_loss,g_loss\n2,1.5,0.5\n4,")


def test_a_checkpoint_of_another_model_is_refused_and_sets_nothing(model, images, tmp_path):
    model.fit(images, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)
    other = VanillaGAN(size=8, latent=5, generator_units=(8,), discriminator_units=4)
    other.compile()
    before = [v.numpy() for v in checkpoint.state_variables(other).values()]
    with pytest.raises(keras_gans.CheckpointError, match="belongs to another model or was compiled otherwise"):
        other.fit(images, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)])
    for v, old in zip(checkpoint.state_variables(other).values(), before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)


def test_a_finished_run_is_left_as_it_is(model, images, tmp_path):
    kept = callbacks.Checkpoint(tmp_path)
    model.fit(images, batch_size=8, epochs=2, callbacks=[kept], verbose=0)
    history = model.fit(images, batch_size=8, epochs=2, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)
    assert history.history == {}
    assert int(model.steps) == 8
    again = callbacks.Checkpoint(tmp_path)
    model.fit(images, batch_size=8, epochs=3, callbacks=[again], verbose=0)
    assert int(model.steps) == 12
    assert again.elapsed() > kept.seconds


def test_the_curve_has_window_means_and_drops_what_a_resumed_run_repeats(model, images, tmp_path):
    path = tmp_path / "curve.csv"
    frozen = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in model.players}
    model.compile(**frozen)
    history = model.fit(images, batch_size=8, epochs=2, callbacks=[callbacks.Curve(path, every=2)], verbose=0)
    rows = callbacks.read_curve(path)
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    for epoch in (0, 1):  # two windows make an epoch
        mean = np.mean([row["d_loss"] for row in rows[2 * epoch :][:2]])
        np.testing.assert_allclose(mean, history.history["d_loss"][epoch], atol=1e-4)
    model.steps.assign(4)
    model.fit(images, batch_size=8, epochs=1, callbacks=[callbacks.Curve(path, every=2)], verbose=0)
    assert [row["step"] for row in callbacks.read_curve(path)] == [2, 4, 6, 8]


def test_grids_draw_the_same_latents(model, images, tmp_path):
    model.fit(images, batch_size=8, callbacks=[callbacks.SampleGrid(tmp_path, every=2, n=4)], verbose=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000002.png", "step-000000004.png"]
    drawn = np.asarray(Image.open(tmp_path / "step-000000004.png"))
    np.testing.assert_array_equal(drawn.squeeze(), keras_gans.data.grid(model.generate(4, seed=0)).squeeze())


def test_stop_after(model, images):
    model.fit(images, batch_size=8, epochs=5, callbacks=[callbacks.StopAfter(6)], verbose=0)
    assert int(model.steps) == 6


def test_executions_that_would_go_beyond_the_runs_end_are_refused():
    run._check_executions(8, 60_000, 304)  # 112 are left for the last epoch
    run._check_executions(10, 304 * 5, 304)  # an epoch ends with what is left
    with pytest.raises(artifacts.CardError, match="would end the run at step 60008, and 60000 were asked for"):
        run._check_executions(10, 60_000, 304)


def test_intervals_are_kept_where_keras_takes_several_steps_at_once(model, images, tmp_path):
    model.compile(steps_per_execution=2)
    model.fit(images, batch_size=8, epochs=3, callbacks=[callbacks.Curve(tmp_path / "c.csv", every=3)], verbose=0)
    assert [row["step"] for row in callbacks.read_curve(tmp_path / "c.csv")] == [4, 6, 10, 12]


def test_validation_leaves_the_curve_as_it_is(images, tmp_path):
    rows = []
    for validation in (None, images[:8]):
        keras.utils.set_random_seed(0)
        gan = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)
        gan.compile()
        path = tmp_path / f"{len(rows)}.csv"
        curve = callbacks.Curve(path, every=3)  # 4 steps an epoch: one is left over
        gan.fit(images, batch_size=8, epochs=3, callbacks=[curve], validation_data=validation, verbose=0)
        rows.append(callbacks.read_curve(path))
    assert [row["step"] for row in rows[0]] == [3, 6, 9, 12]
    assert rows[0] == rows[1]


def test_a_wish_to_stop_in_a_resumed_epoch_ends_the_run(model, images, tmp_path):
    kept = callbacks.Checkpoint(tmp_path, every=1)
    model.fit(images, batch_size=8, epochs=3, callbacks=[callbacks.StopAfter(2), kept], verbose=0)
    assert int(model.steps) == 2
    model.fit(images, batch_size=8, epochs=3, callbacks=[callbacks.StopAfter(3), kept], verbose=0)
    assert int(model.steps) == 3


def test_one_checkpoint_a_step(model, tmp_path):
    checkpoint.save(model, tmp_path, {"n": 1})
    newest = checkpoint.save(model, tmp_path, {"n": 2})
    assert checkpoint.found(tmp_path) == [newest]
