"""Sentences as symbols."""

import time

import numpy as np
import pytest

from keras_gans.artifacts import DataError
from keras_gans.data import text


def read(row):
    return "".join(text.ALPHABET[number - 1] if number else "_" for number in row)


def test_the_alphabet_is_the_papers_size():
    assert len(text.ALPHABET) == len(set(text.ALPHABET)) == text.SYMBOLS == 70
    assert text.LENGTH == 201


@pytest.mark.parametrize(
    ("sentence", "symbols"),
    [
        ("a red Flower", "a red flower"),
        ("  two \n  lines ", "two lines"),
        ("caf\u00e9, na\u00efve", "cafe, naive"),
        ("a \U0001f33c b", "a _ b"),
        ("\u82b1", "_"),
        ("", ""),
    ],
)
def test_what_is_read(sentence, symbols):
    (row,) = text.encode(sentence)
    assert row.dtype == np.uint8
    assert row.shape == (201,)
    assert read(row[: len(symbols)]) == symbols
    assert not row[len(symbols) :].any()


def test_a_text_is_read_up_to_its_201st_symbol_however_long():
    began = time.monotonic()
    (row,) = text.encode("ab" * 250_000)
    assert time.monotonic() - began < 1
    assert read(row) == ("ab" * 101)[:201]
    np.testing.assert_array_equal(text.encode(" a " * 400)[0], text.encode("a " * 101)[0])


def test_several_and_none():
    both = text.encode(["red", b"blue"])
    np.testing.assert_array_equal(both, np.concatenate([text.encode("red"), text.encode("blue")]))
    assert text.encode([]).shape == (0, 201)


@pytest.mark.parametrize(
    ("came", "words"), [(3, "a int came"), (None, "a NoneType came"), ([1.5], "a float came"), ({}, "a dict came")]
)
def test_what_is_no_text_is_refused(came, words):
    with pytest.raises(DataError, match=words):
        text.encode(came)


def test_blanks_before_a_text_are_passed_over():
    np.testing.assert_array_equal(text.encode(" " * 5000 + "a red  one"), text.encode("a red one"))
