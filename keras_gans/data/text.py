"""Sentences as numbers: the 70 symbols and 201 places of Zhang et al. (2015), which Reed et al. (2016) read.

Nothing here depends on a vocabulary: any string can be read, in any language's letters, though what is no symbol of the
alphabet counts as nothing.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError

ALPHABET = string.ascii_lowercase + string.digits + string.punctuation + " \n"
LENGTH = 201
SYMBOLS = len(ALPHABET)  # 70

_NUMBER = {symbol: number for number, symbol in enumerate(ALPHABET, start=1)}
_READ = 4 * LENGTH  # characters that are looked at, once runs of spaces are one: accents among them fall away
_GLANCED = 100 * LENGTH  # characters among which these are looked for: a text may be a whole book


def encode(texts: str | Sequence[str]) -> np.ndarray:
    """Texts as uint8 (n, 201): the number of each symbol in `ALPHABET`, from 1; 0 where there is none.

    Small letters, without accents; runs of spaces become one. Symbols that the alphabet lacks (an emoji, say) are 0,
    and so is what follows the end. What goes beyond 201 symbols is not read, however long the text.

    Raises:
        DataError: something else than a text, or texts, came.
    """
    rows = [_row(text) for text in checked([texts] if isinstance(texts, str) else texts)]
    return np.stack(rows) if rows else np.zeros((0, LENGTH), "uint8")


def checked(texts: Any) -> list[str]:
    """The texts as a list of str; DataError where one is none. Bytes are read as UTF-8."""
    if not isinstance(texts, (list, tuple, np.ndarray)):
        raise DataError(f"A text or a list of texts was wanted, and a {type(texts).__name__} came: give strings.")
    return [_text(text) for text in texts]


def _text(text: Any) -> str:
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise DataError(f"A text was wanted and a {type(text).__name__} came: give strings.")
    return str(text)


def _row(text: str) -> np.ndarray:
    plain = unicodedata.normalize("NFKD", " ".join(text[:_GLANCED].split())[:_READ]).lower()
    plain = " ".join("".join(symbol for symbol in plain if not unicodedata.combining(symbol)).split())[:LENGTH]
    row = np.zeros(LENGTH, "uint8")
    row[: len(plain)] = [_NUMBER.get(symbol, 0) for symbol in plain]
    return row
