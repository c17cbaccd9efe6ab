"""A small cache of byte strings, bounded by their total size."""

from __future__ import annotations

from collections import OrderedDict


class ByteCache:
    """Keeps the values used last, up to `capacity` bytes in all. A larger value is not kept."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._values: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The value, which counts as used now; None when it is not here."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: str, value: bytes) -> None:
        """Keep the value, and drop those unused for longest to make room."""
        if len(value) > self._capacity:
            return
        self._size += len(value) - len(self._values.pop(key, b""))
        self._values[key] = value
        while self._size > self._capacity:
            _, dropped = self._values.popitem(last=False)
            self._size -= len(dropped)
