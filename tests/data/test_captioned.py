"""Pictures with captions: batches that depend on the seed and the step alone, and the layouts they come in."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_gans import data
from keras_gans.artifacts import DataError
from keras_gans.data import text

COLOURS = ("red", "green", "blue", "white")


def pictures(n=12, side=20):
    """Picture i is grey of 10 i in its left half, 10 i + 5 in its right."""
    images = np.empty((n, side, side, 3), "uint8")
    images[:, :, : side // 2] = 10 * np.arange(n)[:, None, None, None]
    images[:, :, side // 2 :] = 10 * np.arange(n)[:, None, None, None] + 5
    return images


def some(n=12, **changes):
    captions = [[f"a {COLOURS[i % 4]} one", f"number {i}", f"again {i}"] for i in range(n)]
    return data.captioned((pictures(n), captions, np.arange(n) % 4), **{"size": 16, **changes})


def numbers(images):
    return images[:, :, :, 0].reshape(len(images), -1).min(axis=1) // 10


def test_a_batch_is_a_function_of_seed_and_step():
    found = some()
    steps = list(found.batches(5, seed=3, start=0, stop=7))  # three epochs and a half
    for step in (0, 1, 2, 6):
        ((images, conditions),) = found.batches(5, seed=3, start=step, stop=step + 1)
        np.testing.assert_array_equal(images, steps[step][0])
        np.testing.assert_array_equal(conditions, steps[step][1])
    (other,) = found.batches(5, seed=4, start=0, stop=1)
    assert (other[0] != steps[0][0]).any()
    assert [s.shape for s in steps[0]] == [(5, 16, 16, 3), (5, 2, 201)]
    assert found.spec() == [((16, 16, 3), "uint8"), ((2, 201), "uint8")]
    first_epoch = np.concatenate([numbers(images) for images, _ in steps[:2]])
    assert len(set(first_epoch)) == 10  # none twice


def test_right_captions_are_the_pictures_and_wrong_ones_of_another_class():
    found = some()
    rows = {tuple(row): i for i, of_one in enumerate(found.captions) for row in text.encode(of_one)}
    seen = set()
    for images, conditions in found.batches(6, seed=0, start=0, stop=40):
        for number, (right, wrong) in zip(numbers(images), conditions, strict=True):
            assert rows[tuple(right)] % 4 == number % 4  # "a red one" is said of each red picture
            assert rows[tuple(wrong)] % 4 != number % 4
            seen.add(tuple(right))
    assert len(seen) == 24 + 4  # every caption comes


def test_without_classes_a_wrong_caption_is_another_pictures():
    found = data.captioned((pictures(3), ["zero", "one", "two"]), size=20)
    rows = {tuple(row): i for i, row in enumerate(text.encode(["zero", "one", "two"]))}
    wrong = set()
    for images, conditions in found.batches(3, start=0, stop=30):
        for number, pair in zip(numbers(images), conditions, strict=True):
            assert rows[tuple(pair[0])] == number
            assert rows[tuple(pair[1])] != number
            wrong.add((number, rows[tuple(pair[1])]))
    assert len(wrong) == 6


def test_squares_are_from_everywhere_and_mirrored():
    found = some(n=4)
    corners, sides = set(), set()
    for images, _ in found.batches(4, start=0, stop=60):
        for image in images:
            left = int((image[0, :, 0] == image[0, 0, 0]).sum())
            corners.add(left if image[0, 0, 0] % 10 == 0 else 16 - left)
            sides.add(bool(image[0, 0, 0] % 10))
    assert corners == {6, 7, 8, 9, 10}
    assert sides == {True, False}
    plain = found.with_flips(False)
    assert all((images[:, 0, 0, 0] % 10 == 0).all() for images, _ in plain.batches(4, start=0, stop=20))
    assert plain.fingerprint() != found.fingerprint()
    (middles, _), *_ = plain.in_order(4)
    assert (middles[:, 0, :, 0] == middles[:, 0, :1, 0]).sum(axis=1).tolist() == [8, 8, 8, 8]


def test_vectors_are_means_of_four_captions():
    images = pictures(4)
    captions = [[f"{i} {j}" for j in range(6)] for i in range(4)]
    found = data.captioned((images, captions), size=20)
    vectors = np.zeros((24, 10), "float32")
    vectors[np.arange(24), np.tile(np.arange(6), 4)] = 1  # which of the picture's captions
    vectors[np.arange(24), 6 + np.repeat(np.arange(4), 6)] = 1  # whose
    with_vectors = found.with_vectors(vectors)
    assert with_vectors.spec()[1] == ((2, 10), "float32")
    chosen = set()
    for shown, conditions in with_vectors.batches(4, start=0, stop=30):
        right = conditions[:, 0]
        np.testing.assert_array_equal(right[:, 6:].argmax(axis=1), numbers(shown))
        np.testing.assert_array_equal(np.sort(right[:, :6], axis=1), [[0, 0, 0.25, 0.25, 0.25, 0.25]] * 4)
        assert (conditions[:, 1, 6:].argmax(axis=1) != numbers(shown)).all()
        chosen |= {tuple(row > 0) for row in right[:, :6]}
    assert len(chosen) == 15  # all fours of six
    few = some().with_vectors(np.eye(36, dtype="float32"))
    _, conditions = next(few.batches(2))
    assert np.allclose(conditions.sum(axis=2), 1)
    assert ((conditions > 0).sum(axis=2) == 3).all()
    with pytest.raises(DataError, match=r"finite vectors of 24 captions were wanted and \(3, 2\) came"):
        found.with_vectors(np.zeros((3, 2)))


def test_as_many_captions_as_asked_for():
    vectors = np.random.default_rng(0).normal(size=(36, 4)).astype("float32")
    single = some(averaged=1).with_vectors(vectors)
    rows = {tuple(row) for row in vectors}
    seen = {tuple(row) for _, pair in single.batches(6, stop=40) for row in pair.reshape(-1, 4)}
    assert seen == rows
    assert single.fingerprint() != some().with_vectors(vectors).fingerprint()
    assert data.captioned(single, size=16).averaged == 1  # which stays as it is
    assert data.captioned(some(flip=False), size=16).flip is False
    for averaged in (0, True, 1.5):
        with pytest.raises(DataError, match="averaged is a number of captions"):
            some(averaged=averaged)


def test_files_are_loaded_at_the_size_that_is_asked_for(folder):
    (folder / "captions.csv").write_text("\n".join(f"photos/p{i}.png,{i}" for i in range(3)))
    assert data.captioned(folder, size=16).images.shape[1] == 19  # 76 / 64 of it
    assert data.captioned(folder, size=16, loaded=16).images.shape[1] == 16
    with pytest.raises(DataError, match="loaded is at least the size, 16, and 15 came"):
        data.captioned(folder, size=16, loaded=15)


def test_pairs_for_a_reader():
    found = some()
    index, symbols, views = found.pairs(0, 5, 3, 4)
    (images, _), *_ = found.batches(5, seed=3)
    np.testing.assert_array_equal(numbers(images), index)
    for picture, row in zip(index, symbols, strict=True):
        assert tuple(row) in {tuple(r) for r in text.encode(found.captions[picture])}
    assert set(views) <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda: (pictures(3), ["a", "b"]), "3 pictures and captions of 2 came"),
        (lambda: (pictures(2), [["a"], []]), "1 of 2 pictures have no caption"),
        (lambda: (pictures(1), ["a"]), "a wrong caption is another picture's, and there are 1"),
        (lambda: (pictures(2, 8), ["a", "b"]), "at least 16x16 were wanted and these have 8"),
        (lambda: (pictures(2), ["a", 7]), "a int came"),
        (lambda: (pictures(2),), "1 things came"),
        (lambda: 7, "a int came"),
        (lambda: "nowhere", "'nowhere' is none: check the path"),
    ],
)
def test_what_is_wrong_is_said(source, words):
    with pytest.raises(DataError, match=words):
        data.captioned(source(), size=16)


# --- folders ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Four pictures, as the arrays have them."""
    for i, picture in enumerate(pictures(4, 24)):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "photos" / f"p{i}.png")
    return tmp_path


def by_number(found):
    middles = found.middles(np.arange(len(found)))
    return dict(zip(numbers(middles).tolist(), found.captions, strict=True))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("captions.csv", ["file,caption", 'photos/p0.png,"one, two"', "photos/p1.png,a b", "photos/p0.png,more"]),
        ("captions.csv", ["photos/p0.png,one, two", "photos/p1.png,a b", "photos/p0.png,more"]),
        (
            "captions.csv",
            ["id,Caption,Image", '1,"one, two",photos/p0.png', "2,a b,photos/p1.png", "3,more,photos/p0.png"],
        ),
        ("captions.txt", ["photos/p0.png\tone, two", "photos/p1.png\ta b", "photos/p0.png\tmore"]),
        ("captions.txt", ["photos/p0.png,one, two", "", "photos/p1.png,a b", "photos/p0.png,more"]),
        ("captions.tsv", ["photos/p0.png\tone, two", "photos/p1.png\ta b", "", "photos/p0.png\tmore"]),
    ],
)
def test_a_table_beside_the_pictures(folder, name, lines):
    (folder / name).write_text("\n".join(lines))
    found = data.captioned(folder, size=20)
    assert by_number(found) == {0: ["one, two", "more"], 1: ["a b"]}
    assert (found.crop, found.images.shape[1], found.labels) == (20, 24, None)
    with pytest.raises(DataError, match="has no splits and 'test' was asked for"):
        data.captioned(folder, "test")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["photos/p0.png,a", "photos/p9.png,b"], "names 'photos/p9.png', which does not lie beside it"),
        (["photos/p0.png"], "line 1: FILE,CAPTION was wanted and 'photos/p0.png' came"),
        ([], "is empty"),
        (
            ['photos/p0.png,"a blue one', "photos/p1.png,a green one"],
            "line 2: a quotation mark before it is not closed",
        ),
        (['photos/p0.png,"a" blue one', "photos/p1.png,b"], "captions.csv, line 1: a quotation mark"),
        (['photos/p0.png,"' + "a" * 70_000, "b" * 70_000], "line 2: a quotation mark"),
    ],
)
def test_a_table_that_is_wrong(folder, lines, words):
    (folder / "captions.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=words):
        data.captioned(folder, size=16)


def test_captions_may_have_quotation_marks_and_odd_line_ends(folder):
    lines = ['photos/p0.png,a "blue" one', 'photos/p1.png,"a ""red"" one"', "photos/p2.png,one\x0cand\u2028two"]
    (folder / "captions.csv").write_text("\r\n".join(lines))
    found = data.captioned(folder, size=20)
    assert by_number(found) == {0: ['a "blue" one'], 1: ['a "red" one'], 2: ["one\x0cand\u2028two"]}
    (folder / "captions.csv").rename(folder / "captions.tsv")
    (folder / "captions.tsv").write_text('photos/p0.png\t"a blue one\nphotos/p1.png\tgreen')
    assert by_number(data.captioned(folder, size=20)) == {0: ['"a blue one'], 1: ["green"]}


def test_texts_named_like_pictures(folder):
    for i in range(3):
        (folder / "photos" / f"p{i}.txt").write_text(f"number {i}\n\nthe {i}th\n")
    found = data.captioned(folder / "photos", size=20)
    assert by_number(found) == {i: [f"number {i}", f"the {i}th"] for i in range(3)}
    for i in range(3):
        (folder / "photos" / f"p{i}.txt").rename(folder / "photos" / f"q{i}.txt")
    with pytest.raises(DataError, match=r"no picture with a \.txt of its name"):
        data.captioned(folder / "photos")


@pytest.mark.parametrize("flat", [True, False])
def test_the_layout_of_the_paper(folder, flat):
    """Birds have images/CLASS/NAME.jpg, flowers jpg/NAME.jpg."""
    for i, name in enumerate(["c1", "c1", "c2", "c3"]):
        place = folder / "jpg" if flat else folder / "images" / name
        place.mkdir(parents=True, exist_ok=True)
        (folder / "photos" / f"p{i}.png").rename(place / f"p{i}.png")
        (folder / "text_c10" / name).mkdir(parents=True, exist_ok=True)
        (folder / "text_c10" / name / f"p{i}.txt").write_text("\n".join(f"{i} said {j}" for j in range(10)))
    whole = data.captioned(folder, size=20)
    assert (len(whole), whole.class_names, whole.labels.tolist()) == (4, ["c1", "c2", "c3"], [0, 0, 1, 2])
    (folder / "testclasses.txt").write_text("c2\n")
    assert data.captioned(folder, size=20).class_names == ["c1", "c3"]  # never those that are held out
    (folder / "trainvalclasses.txt").write_text("c3\nc1\n")
    train = data.captioned(folder, size=20)
    assert train.class_names == ["c3", "c1"]
    assert by_number(train) == {i: [f"{i} said {j}" for j in range(10)] for i in (0, 1, 3)}
    (folder / "testclasses.txt").write_text("c2\nc9\n")
    with pytest.raises(DataError, match="lists 'c9', which text_c10 has not"):
        data.captioned(folder, "test")
    with pytest.raises(DataError, match="'val' was asked for"):
        data.captioned(folder, "val")


def test_the_layout_of_coco(folder):
    (folder / "photos").rename(folder / "train2014")
    (folder / "annotations").mkdir()
    told = {
        "images": [{"id": 7 + i, "file_name": f"p{i}.png"} for i in range(3)],
        "annotations": [{"image_id": 7 + i % 3, "caption": f"{i % 3} said {i}\n"} for i in range(5)],
    }
    path = folder / "annotations" / "captions_train2014.json"
    path.write_text(json.dumps(told))
    found = data.captioned(folder, size=20)
    assert by_number(found) == {0: ["0 said 0", "0 said 3"], 1: ["1 said 1", "1 said 4"], 2: ["2 said 2"]}
    with pytest.raises(DataError, match=r"has captions_train2014.json, and the split 'val' was asked for"):
        data.captioned(folder, "val")
    path.write_text("{}")
    with pytest.raises(DataError, match="is not as COCO's captions are"):
        data.captioned(folder)


def test_a_folder_of_no_known_form(folder):
    with pytest.raises(DataError, match=r"has no captions in it: captions\.csv"):
        data.captioned(folder)


def test_a_broken_picture_takes_its_captions_along(folder, caplog):
    rows = [f"photos/p{i % 4}.png,caption {i % 4}" for i in range(4)]
    for i in range(4, 220):  # one of more than a hundred may be bad
        Image.fromarray(pictures(1, 24)[0] + np.uint8(100)).save(folder / "photos" / f"p{i}.png")
        rows.append(f"photos/p{i}.png,caption {i}")
    (folder / "captions.csv").write_text("\n".join(rows))
    (folder / "photos" / "p1.png").write_bytes(b"no picture")
    found = data.captioned(folder, size=20)
    assert len(found) == 219
    assert "photos/p1.png" in caplog.text
    assert found.captions[1] == ["caption 2"]
    assert numbers(found.middles(np.array([1])))[0] == 2
