"""Examples of every request and answer in the contract."""

from typing import Any


def add_examples(document: dict[str, Any]) -> None:
    """Put an example beside every request and every successful answer."""
