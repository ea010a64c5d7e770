"""Reads a TensorFlow GraphDef without TensorFlow, and without running it: names, kinds, attributes, constants.

A GraphDef is a protobuf message: a row of fields, each a number, a kind and a value; and some values are messages
again. Numbers of fields are those of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor.proto and
tensor_shape.proto. No length is believed before it is compared with what is there, and no constant is copied before
its shape is known to be wanted, so a hostile file costs little more than its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

MAX_FIELDS = 1_000_000  # the graph of 2015 has some 20,000; beyond this a file only wastes time
MOST_DIMENSIONS = 8
LONGEST = 1000  # bytes of a name
EMPTY = memoryview(b"")
_DT_FLOAT = 1


class MalformedGraph(ValueError):
    """Bytes that are no GraphDef; its text says why, to be put in brackets."""


class Reader:
    """Walks through messages, and stops after MAX_FIELDS fields in all."""

    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def fields(self, message: memoryview) -> Iterator[tuple[int, Any]]:
        """(number, value) of each field: an int, or a memoryview of bytes (also of 4 or 8 that are a float or int)."""
        at = 0
        while at < len(message):
            self._left -= 1
            if self._left < 0:
                raise MalformedGraph(f"over {MAX_FIELDS:,} fields")
            key, at = _varint(message, at)
            kind = key & 7
            if kind == 0:
                value, at = _varint(message, at)
                yield key >> 3, value
                continue
            if kind == 2:
                size, at = _varint(message, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise MalformedGraph(f"a field of kind {kind}")
            if size > len(message) - at:
                raise MalformedGraph("it ends within a field")
            yield key >> 3, message[at : at + size]
            at += size

    def first(self, message: memoryview, number: int) -> Any:
        """The value of the first field of that number, or None."""
        return next((value for found, value in self.fields(message) if found == number), None)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """(whole number, where it ends): seven bits a byte, the lowest first."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise MalformedGraph("it ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedGraph("a number of over 64 bits")


def read(data: bytes) -> dict[str, Node]:
    """{name: node} of a serialized GraphDef. MalformedGraph says why it is none."""
    reader, nodes = Reader(), {}
    for number, value in reader.fields(memoryview(data)):
        if number != 1:
            continue
        node = Node(reader, _bytes(value))
        if node.name in nodes:
            raise MalformedGraph(f"two nodes called {node.name!r}")
        nodes[node.name] = node
    if not nodes:
        raise MalformedGraph("no nodes")
    return nodes


class Node:
    """A node's `name`, its `op`, and its attributes, which are parsed when asked for: None where it has none."""

    def __init__(self, reader: Reader, message: memoryview) -> None:
        self._reader = reader
        self._attributes: dict[str, memoryview] = {}
        self.name = self.op = ""
        for number, value in reader.fields(message):
            if number == 1:
                self.name = _text(value)
            elif number == 2:
                self.op = _text(value)
            elif number == 5:
                entry = dict(reader.fields(_bytes(value)))
                self._attributes[_text(entry.get(1, EMPTY))] = _bytes(entry.get(2, EMPTY))

    def _attribute(self, name: str, number: int) -> Any:
        message = self._attributes.get(name)
        return None if message is None else self._reader.first(message, number)

    def text(self, name: str) -> str | None:
        value = self._attribute(name, 2)
        return None if value is None else _text(value)

    def flag(self, name: str) -> bool | None:
        value = self._attribute(name, 5)
        return None if value is None else bool(_number(value))

    def real(self, name: str) -> float | None:
        value = self._attribute(name, 4)
        return None if value is None else float(_floats(value).sum())  # a single one

    def integers(self, name: str) -> list[int] | None:
        """A list of whole numbers, which come one a field or packed into one."""
        message = self._attribute(name, 1)
        if message is None:
            return None
        found: list[int] = []
        for number, value in self._reader.fields(_bytes(message)):
            if number == 3:
                found.extend([value] if isinstance(value, int) else _packed(value))
        if len(found) > MOST_DIMENSIONS:
            raise MalformedGraph(f"{len(found)} numbers for {name!r}")
        return found

    def tensor(self) -> Tensor | None:
        """The value of a constant of float32; None of any other node."""
        message = self._attribute("value", 8) if self.op == "Const" else None
        return None if message is None else _tensor(self._reader, _bytes(message), self.name)


class Tensor:
    """A constant: its `shape`, and an array when NumPy asks for one, as it may be a single value for a vast shape."""

    def __init__(self, shape: tuple[int, ...], values: np.ndarray) -> None:
        self.shape, self._values = shape, values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """float32 of the shape; where fewer values came than it holds, the last goes on, as in TensorFlow."""
        size = math.prod(self.shape)
        rest = np.repeat(self._values[-1:], size - len(self._values))
        values = np.concatenate((self._values, rest)) if len(rest) else self._values
        return np.array(values.reshape(self.shape), dtype=dtype, copy=copy)


def _tensor(reader: Reader, message: memoryview, name: str) -> Tensor | None:
    shape: tuple[int, ...] = ()
    kind, content, parts = 0, EMPTY, []
    for number, value in reader.fields(message):
        if number == 1:
            kind = _number(value)
        elif number == 2:
            shape = tuple(_dimensions(reader, _bytes(value), name))
        elif number == 4:
            content = _bytes(value)
        elif number == 5:
            parts.append(value)
    if kind != _DT_FLOAT:
        return None
    values = _floats(content) if len(content) else np.concatenate([np.zeros(0, "<f4"), *map(_floats, parts)])
    size, may_go_on = math.prod(shape), not len(content) and len(values) > 0
    if len(values) > size or (len(values) < size and not may_go_on):
        raise MalformedGraph(f"{len(values)} values for the shape {shape} of {name!r}")
    return Tensor(shape, values)


def _dimensions(reader: Reader, message: memoryview, name: str) -> Iterator[int]:
    dimensions = [value for number, value in reader.fields(message) if number == 2]
    for value in dimensions[: MOST_DIMENSIONS + 1]:
        size = _number(reader.first(_bytes(value), 1) or 0)
        if size >= 2**40 or len(dimensions) > MOST_DIMENSIONS:  # -1 too, as which a size that is not known is written
            raise MalformedGraph(f"no shape that could be of {name!r}")
        yield size


def _packed(message: memoryview) -> Iterator[int]:
    at = 0
    while at < len(message):
        value, at = _varint(message, at)
        yield value


def _floats(value: Any) -> np.ndarray:
    if len(_bytes(value)) % 4:
        raise MalformedGraph("a float32 of other than 4 bytes")
    return np.frombuffer(value, "<f4")


def _text(value: Any) -> str:
    if len(_bytes(value)) > LONGEST:
        raise MalformedGraph(f"a name of over {LONGEST} bytes")
    return bytes(value).decode("utf-8", "replace")


def _bytes(value: Any) -> memoryview:
    if isinstance(value, int):
        raise MalformedGraph("a number where bytes belong")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise MalformedGraph("bytes where a number belongs")
    return value
