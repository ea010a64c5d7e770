"""The latents of given pictures, and of what a classifier is surest of."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import latent
from keras_gans.models.vanilla import VanillaGAN


def lively(model, scale=2.0):
    """With weights so large that pictures differ plainly."""
    rng = np.random.default_rng(0)
    for v in [*model.generator.trainable_variables, *model.discriminator.trainable_variables]:
        if len(v.shape) > 1:
            v.assign(rng.normal(0, scale / np.sqrt(np.prod(v.shape[:-1])), v.shape))
    return model


@pytest.fixture(scope="module")
def gan():
    return lively(VanillaGAN(size=8, latent=4, generator_units=(16,), discriminator_units=8))


@pytest.fixture(scope="module")
def conditional():
    return lively(keras_gans.DCGAN(size=28, channels=1, width=2, latent=4, num_classes=3))


def pixel_loss(model, projection, pictures):
    difference = (projection.images.astype("float32") - pictures) / 127.5
    return np.square(difference).mean(axis=(1, 2, 3))


def best_of_random(model, pictures, n=8, **options):
    """The lowest pixel loss of n samples of the prior, for each picture."""
    drawn = model.generate(n, seed=99, output="float", **options)
    return np.square(drawn[None] - (pictures / 127.5 - 1)[:, None]).mean(axis=(2, 3, 4)).min(axis=1)


@pytest.mark.parametrize("feature", [0.0, 0.1])
def test_pictures_that_the_model_drew_are_found_again(gan, feature):
    z = latent.sample(gan, 3, seed=7)
    pictures = gan.generate(latents=z)
    found = latent.project(gan, pictures, steps=150, feature=feature, seed=1)
    assert found.latents.shape == (3, 4)
    assert found.latents.dtype == np.float32
    assert found.images.dtype == np.uint8
    assert (np.abs(found.latents) <= 1).all()
    np.testing.assert_array_equal(found.images, gan.generate(latents=found.latents))
    assert (pixel_loss(gan, found, pictures) < best_of_random(gan, pictures) / 20).all()
    np.testing.assert_allclose(found.latents, z, atol=0.1)


def test_the_loss_is_what_it_says(gan):
    pictures = gan.generate(2, seed=7)
    found = latent.project(gan, pictures, starts=2, steps=3, pixel=0.5, feature=2.0)
    drawn = gan.generate(latents=found.latents, output="float")
    wanted, got = gan.features(pictures), gan.features(drawn)
    apart = np.square(got - wanted).sum(axis=1) / np.square(wanted).sum(axis=1)
    pixels = np.square(drawn - (pictures / 127.5 - 1)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.losses, 0.5 * pixels + 2.0 * apart, rtol=1e-3)


def test_a_function_of_the_seed_and_the_number_of_the_picture(gan):
    pictures = gan.generate(3, seed=7)
    one = latent.project(gan, pictures, starts=2, steps=5, seed=3)
    same = latent.project(gan, pictures, starts=2, steps=5, seed=3)
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    chunks = latent.project(gan, pictures, starts=2, steps=5, seed=3, batch_size=4)  # two at once, the last filled up
    np.testing.assert_allclose(chunks.latents, one.latents, atol=1e-4)
    other = latent.project(gan, pictures, starts=2, steps=5, seed=4)
    assert (other.latents != one.latents).any(axis=1).all()


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_the_starts_are_samples_of_the_prior(gan, monkeypatch, prior):
    monkeypatch.setattr(VanillaGAN, "prior", prior)
    found = latent.project(gan, gan.generate(3), starts=1, steps=1, learning_rate=1e-9, feature=0, seed=5)
    np.testing.assert_allclose(found.latents, latent.sample(gan, 3, seed=5), atol=1e-3)


def test_a_uniform_prior_is_not_left(gan):
    z = latent.sample(gan, 3, seed=7)
    beyond = gan.generate(latents=4 * np.sign(z))
    found = latent.project(gan, beyond, starts=1, steps=15, learning_rate=0.5, feature=0)
    assert 0.99 < np.abs(found.latents).max() <= 1


def test_more_starts_find_no_worse(gan):
    pictures = gan.generate(4, seed=7)
    few = latent.project(gan, pictures[:1], starts=1, steps=20).losses
    many = latent.project(gan, pictures[:1], starts=6, steps=20).losses  # the one among them
    assert (many <= few + 1e-6).all()


def test_a_normal_prior_and_images_of_any_size(gan, monkeypatch):
    monkeypatch.setattr(VanillaGAN, "prior", "normal")
    z = latent.sample(gan, 1, seed=3)
    assert np.abs(z).max() > 1
    pictures = gan.generate(latents=z)
    found = latent.project(gan, pictures, steps=150, starts=4, seed=1)
    assert pixel_loss(gan, found, pictures)[0] < 1e-3
    np.testing.assert_allclose(found.latents, z, atol=0.2)
    larger = np.repeat(pictures.repeat(2, axis=1).repeat(2, axis=2), 3, axis=3)
    again = latent.project(gan, larger, steps=150, starts=4, seed=1)
    assert pixel_loss(gan, again, pictures)[0] < 0.05


def test_labels_of_a_conditional_model(conditional):
    z = latent.sample(conditional, 2, seed=7)
    pictures = conditional.generate(latents=z, labels=[2, 0])
    options = {"starts": 2, "steps": 40, "learning_rate": 0.2, "feature": 0.02}
    found = latent.project(conditional, keras_gans.data.load((pictures, np.array([2, 0]))), **options)
    wrong = latent.project(conditional, pictures, labels=[0, 1], **options)
    assert (found.losses < wrong.losses / 3).all()
    np.testing.assert_array_equal(found.images, conditional.generate(latents=found.latents, labels=[2, 0]))
    with pytest.raises(ValueError, match="this model has 3 classes and the images have none: give labels="):
        latent.project(conditional, pictures)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"starts": 0}, "starts must be a whole number of at least 1, got 0"),
        ({"steps": 1.5}, "steps must be a whole number of at least 1, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"pixel": -1}, "pixel must be a number of at least 0, got -1"),
        ({"pixel": 0, "feature": 0}, "pixel and feature are both 0"),
        ({"labels": 1}, "this model has no classes"),
    ],
)
def test_wrong_arguments_are_named(gan, arguments, words):
    with pytest.raises(ValueError, match=words):
        latent.project(gan, gan.generate(1), **arguments)


def as_one(found):
    return [(part.shape, part.dtype) for part in found]


def test_one_photograph_is_a_batch_of_one(gan, tmp_path):
    """As a file, as (h, w, c) and as (h, w), in both dtypes."""
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (11, 9, 3), dtype="uint8")
    path = tmp_path / "photograph.png"
    keras_gans.data.save_png(path, colour)
    wanted = latent.project(gan, colour[None], starts=2, steps=5)
    assert as_one(wanted) == [((1, 4), np.float32), ((1, 8, 8, 1), np.uint8), ((1,), np.float32)]
    for one in (path, str(path), colour, Image.open(path)):
        for a, b in zip(latent.project(gan, one, starts=2, steps=5), wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    grey = colour[..., 0]
    wanted = latent.project(gan, grey[None, ..., None], starts=2, steps=5)
    for one in (grey, grey[..., None]):
        for a, b in zip(latent.project(gan, one, starts=2, steps=5), wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    floats = latent.project(gan, grey / np.float32(127.5) - 1, starts=2, steps=5)
    assert as_one(floats) == as_one(wanted)
    np.testing.assert_allclose(floats.latents, wanted.latents, atol=0.02)  # uint8 is rounded where it is resized


def test_several_grey_pictures_are_still_several(gan):
    pictures = gan.generate(3, seed=7)
    found = latent.project(gan, pictures[..., 0], starts=2, steps=5)
    for a, b in zip(found, latent.project(gan, pictures, starts=2, steps=5), strict=True):
        np.testing.assert_array_equal(a, b)


def test_files_of_many_pictures_are_still_several(gan, tmp_path):
    pictures = gan.generate(3, seed=7)
    np.savez(tmp_path / "three.npz", images=pictures)
    (tmp_path / "folder").mkdir()
    for i, picture in enumerate(pictures):
        keras_gans.data.save_png(tmp_path / "folder" / f"{i}.png", picture)
    wanted = latent.project(gan, pictures, starts=2, steps=5)
    for source in (tmp_path / "three.npz", tmp_path / "folder", keras_gans.data.load(tmp_path / "folder")):
        for a, b in zip(latent.project(gan, source, starts=2, steps=5), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_photograph_of_a_class(conditional):
    picture = conditional.generate(1, seed=7, labels=2)[0]
    found = latent.project(conditional, picture, labels=2, starts=2, steps=5)
    np.testing.assert_array_equal(found.images, conditional.generate(latents=found.latents, labels=2))
    with pytest.raises(ValueError, match="this model has 3 classes and the images have none: give labels="):
        latent.project(conditional, picture)


def test_photographs_that_are_none(gan, tmp_path):
    (tmp_path / "photograph.heic").write_bytes(b"no picture")
    with pytest.raises(keras_gans.DataError, match=r"Cannot read .*photograph\.heic \(it is not a PNG, JPEG, "):
        latent.project(gan, tmp_path / "photograph.heic")
    with pytest.raises(keras_gans.DataError, match=r"'.*nowhere\.png' does not exist: check the path"):
        latent.project(gan, tmp_path / "nowhere.png")
    with pytest.raises(keras_gans.DataError, match=r"\(9, 8, 4\) came: drop alpha, as in x\[\.\.\., :3\]"):
        latent.project(gan, np.zeros((9, 8, 4), "uint8"))
    with pytest.raises(keras_gans.DataError, match="uint8 in \\[0, 255\\] or float in \\[-1, 1\\], and int64 came"):
        latent.project(gan, np.zeros((9, 8), "int64"))


# --- exemplars ---


def brightness(images):
    return images.mean(axis=(1, 2, 3))


def test_the_brightest_of_many(gan):
    found = latent.exemplars(gan, brightness, n=50, k=4, seed=5, batch_size=16)
    of = brightness(gan.generate(50, seed=5))
    best = np.argsort(-of)[:4]
    np.testing.assert_array_equal(found.indices, best)
    np.testing.assert_allclose(found.scores, of[best], rtol=1e-6)
    np.testing.assert_array_equal(found.latents, latent.sample(gan, 50, seed=5)[best])
    whole = latent.exemplars(gan, brightness, n=50, k=4, seed=5)
    np.testing.assert_array_equal(whole.indices, found.indices)


def test_several_concepts_at_once(gan):
    found = latent.exemplars(gan, lambda x: np.stack([brightness(x), -brightness(x)], axis=1), n=30, k=30, batch_size=7)
    assert found.latents.shape == (2, 30, 4)
    np.testing.assert_array_equal(found.indices[0], found.indices[1][::-1])
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert latent.arithmetic(list(found.latents)).shape == (4,)


def test_equal_scores_keep_their_order(gan):
    found = latent.exemplars(gan, lambda x: np.zeros(len(x)), n=20, k=5, batch_size=3)
    np.testing.assert_array_equal(found.indices, np.arange(5))


def test_exemplars_of_a_conditional_model(conditional):
    """Labels go with the samples' numbers, also beyond the first batch."""
    found = latent.exemplars(conditional, brightness, n=9, k=9, batch_size=4)
    np.testing.assert_allclose(found.scores, brightness(conditional.generate(9))[found.indices], rtol=0.02)
    found = latent.exemplars(conditional, brightness, n=9, k=1, labels=1, batch_size=4)
    assert found.indices[0] == brightness(conditional.generate(9, labels=1)).argmax()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"k": 6}, "k must be at most n, and 6 of 5 were asked for"),
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"score": lambda x: x}, "score gives one number for each of 5 images"),
        ({"score": lambda x: np.full(len(x), np.nan)}, "none of them NaN"),
        ({"labels": 1}, "no classes"),
    ],
)
def test_wrong_arguments_of_exemplars(gan, arguments, words):
    with pytest.raises(ValueError, match=words):
        latent.exemplars(gan, **{"score": brightness, "n": 5, "k": 2, **arguments})


# --- directions ---


def upper(images):
    return images[:, :4].mean(axis=(1, 2, 3))


def test_a_direction_is_the_way_to_the_surest(gan):
    way = latent.direction(gan, brightness, n=200, k=20, seed=3)
    assert (way.shape, way.dtype) == ((4,), np.float32)
    z = latent.sample(gan, 200, seed=3)
    surest = np.argsort(-brightness(gan.generate(200, seed=3)), kind="stable")[:20]
    np.testing.assert_allclose(way, z[surest].mean(0) - z.mean(0), atol=1e-6)
    others = latent.sample(gan, 50, seed=4)
    moved, before = (brightness(gan.generate(latents=x)).mean() for x in (others + way, others))
    assert moved > before + 5


def test_what_is_held_is_left_out_of_a_direction(gan):
    followed, held = (latent.direction(gan, score, n=200, k=20) for score in (brightness, upper))
    way = latent.direction(gan, lambda x: np.stack([brightness(x), upper(x)], axis=1), n=200, k=20)
    assert abs(way @ held) < 1e-5
    along = held / np.linalg.norm(held)
    np.testing.assert_allclose(way, followed - (followed @ along) * along, atol=1e-5)
    twice = latent.direction(gan, lambda x: np.stack([brightness(x), upper(x), upper(x)], axis=1), n=200, k=20)
    np.testing.assert_allclose(twice, way, atol=1e-5)  # held twice is held once


def test_a_direction_needs_something_to_follow(gan):
    with pytest.raises(ValueError, match="score holds what it follows: no direction is left"):
        latent.direction(gan, lambda x: np.stack([brightness(x)] * 2, axis=1), n=50, k=5)
    with pytest.raises(ValueError, match="no direction is left"):
        latent.direction(gan, brightness, n=20, k=20)  # all of them
    with pytest.raises(ValueError, match="k must be at most n"):
        latent.direction(gan, brightness, n=5, k=6)


def test_moving_stays_as_near_to_0_as_it_was(rng):
    z, way = rng.normal(size=(5, 4)), rng.normal(size=4)
    far = latent.move(z, way, 3)
    assert far.dtype == np.float32
    assert (np.linalg.norm(far, axis=1) <= np.linalg.norm(z, axis=1) + 1e-5).all()
    straight = z + 3 * way
    cosine = (far * straight).sum(1) / np.linalg.norm(far, axis=1) / np.linalg.norm(straight, axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-6)
    np.testing.assert_allclose(latent.move(z[0], -0.5 * z[0]), 0.5 * z[0], atol=1e-6)  # inward, nothing is held back
    np.testing.assert_allclose(latent.move(z, way, 0), z, atol=1e-6)
    np.testing.assert_array_equal(latent.move(np.zeros(4), way), 0)
    for by in (float("nan"), True, "far"):
        with pytest.raises(ValueError, match="by must be a finite number"):
            latent.move(z, way, by)
    with pytest.raises(ValueError, match=r"got \(5, 4\) and \(3,\)"):
        latent.move(z, way[:3])


def test_nothing_of_the_model_is_moved(gan):
    before = [keras.ops.convert_to_numpy(v) for v in gan.variables]
    latent.project(gan, gan.generate(1), steps=2)
    for v, old in zip(gan.variables, before, strict=True):
        np.testing.assert_array_equal(v, old)
