"""The corpus is large, and the one that the documents speak of."""

from __future__ import annotations

from tests.differential.corpus import SHA256, digest, packed, statements


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    """A hundred statements would show that the happy path is happy."""
    texts = statements()
    assert len(texts) >= 10_000
    assert len(set(texts)) == len(texts)
    assert all(texts)


def test_the_corpus_is_the_one_that_was_built() -> None:
    """What `build.py` makes of the archive that it names."""
    assert digest(packed()) == SHA256
