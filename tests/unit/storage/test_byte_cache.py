from __future__ import annotations

from storage.byte_cache import ByteCache


def test_the_values_unused_for_longest_make_room() -> None:
    cache = ByteCache(10)
    for key in "abc":
        cache.put(key, b"123")
    assert cache.get("a") == b"123"
    cache.put("d", b"123")
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]


def test_a_value_put_again_counts_once() -> None:
    cache = ByteCache(10)
    for _ in range(5):
        cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert (cache.get("a"), cache.get("b")) == (b"12345", b"12345")


def test_a_value_larger_than_the_cache_leaves_the_others_alone() -> None:
    cache = ByteCache(10)
    cache.put("a", b"123")
    cache.put("b", b"x" * 11)
    assert (cache.get("a"), cache.get("b")) == (b"123", None)
