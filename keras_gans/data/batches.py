"""What training goes through: data whose batches depend on a seed and the step alone, so that runs can be resumed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

Rows = tuple[int, int]  # the first of a batch's images, and the one before which they end
Spec = tuple[tuple[int, ...], str]  # shape and dtype of one thing in a batch


class Batches(ABC):
    """Images in one form or another, with batches that every machine makes alike.

    Attributes:
        name: where the images come from, for people.
        batch_size: what `fit` takes where nobody says another; None: its own default.
    """

    name: str
    batch_size: int | None = None

    @abstractmethod
    def __len__(self) -> int:
        """How many images."""

    def count(self) -> int:
        """The same; where that can be known before they are read, without reading them."""
        return len(self)

    @abstractmethod
    def fingerprint(self) -> str:
        """Equal if and only if training sees the same."""

    @abstractmethod
    def spec(self) -> list[Spec]:
        """What one element of a batch is made of: one thing, or several, which a batch holds as a tuple."""

    @abstractmethod
    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches in an epoch. DataError if there is none."""

    @abstractmethod
    def batches(
        self, batch_size: int, seed: int = 0, start: int = 0, stop: int | None = None, rows: Rows | None = None
    ) -> Iterator[Any]:
        """Yields the batches of the global steps `start` to before `stop`; None: to the end of start's epoch.

        rows: (first, last): of each batch only these, one of several processes' part of it. None: all.
        """

    @abstractmethod
    def in_order(self, batch_size: int) -> Iterator[Any]:
        """Yields what is evaluated: the same each time."""

    @abstractmethod
    def steps_in_order(self, batch_size: int) -> int:
        """How many batches `in_order` yields."""
