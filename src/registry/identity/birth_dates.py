"""Whether a number holds a date that exists, told without an exception that quotes the number."""

from collections.abc import Callable
from datetime import date


def has_date(number: str, read: Callable[[str], date]) -> bool:
    """Whether `read` finds a date in `number`; its ValueError, which may name parts of it, ends here.

    A refusal raised while that error is handled would carry it along, into logs that show contexts.
    """
    try:
        read(number)
    except ValueError:
        return False
    return True
