"""What every refusal must be: a problem document (RFC 9457) that says what is wrong, where, what is right."""

import re
from typing import Any

import httpx

from factories import BERI, HERMAN, MARIA, PAUL, PETRONELLA, TEST_PERSSON

NUMBERS = (BERI, HERMAN, MARIA, PAUL, PETRONELLA, TEST_PERSSON)
_POINTER = re.compile(r"(/([^/~]|~[01])*)*|\?[a-z_]*|(path|header):[A-Za-z_-]+")


def assert_names_nobody(text: str) -> None:
    """Show that no test person's number stands in the text, in any of its spellings."""
    digits = re.sub(r"[^0-9]", "", text)
    assert not any(number[2:] in text.replace("-", "").replace(" ", "") for number in NUMBERS), text
    assert not any(number in digits for number in NUMBERS), text


def assert_problem(response: httpx.Response, status: int, name: str, *pointers: str) -> dict[str, Any]:
    """Show that the answer is this problem; with `pointers`, that its faults lie exactly there."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"urn:registry:problem:{name}"
    assert problem["status"] == status
    assert len(problem["title"]) > 3
    assert len(problem["detail"]) > 12
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["instance"].startswith("/")
    assert problem["instance"].endswith(f"#{problem['request_id']}")
    for fault in problem.get("errors", ()):
        assert _POINTER.fullmatch(fault["pointer"]), fault
        assert fault["code"]
        assert len(fault["message"]) > 12, fault
        assert fault["message"].endswith("."), fault
    assert_names_nobody(response.text + str(response.headers))
    if pointers:
        assert sorted(fault["pointer"] for fault in problem["errors"]) == sorted(pointers), problem["errors"]
    return problem
