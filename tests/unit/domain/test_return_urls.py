"""Which addresses a client may register, and which ones they cover: what readers read differently is out."""

import pytest

from registry.domain.return_urls import is_return_address, may_return_to

REGISTERED = "https://eservice.sundsvall.example/forms"


@pytest.mark.parametrize(
    "url",
    [
        REGISTERED,
        f"{REGISTERED}/",
        f"{REGISTERED}?case=2026-114",
        f"{REGISTERED}/restaurant/back?state=a%20b",
        "https://ESERVICE.sundsvall.example/forms",
        "https://eservice.sundsvall.example:443/forms",
    ],
)
def test_the_path_and_what_lies_below_are_covered(url: str) -> None:
    assert may_return_to(url, [REGISTERED])


@pytest.mark.parametrize(
    "url",
    [
        "https://eservice.sundsvall.example/",
        f"{REGISTERED}-of-another",
        "https://eservice.sundsvall.example/Forms",
        "http://eservice.sundsvall.example/forms",
        "https://eservice.sundsvall.example:8443/forms",
        "https://eservice.sundsvall.example.evil.example/forms",
        "https://evil.example/forms",
        "https://eservice.sundsvall.example@evil.example/forms",
        "https://user:secret@eservice.sundsvall.example/forms",
        f"{REGISTERED}/../admin",
        f"{REGISTERED}/%2e%2E/admin",
        f"{REGISTERED}/..%2fadmin",
        f"{REGISTERED}/%5c..%5cadmin",
        f"{REGISTERED}\\..\\admin",
        "https:\\\\eservice.sundsvall.example\\forms",
        f"{REGISTERED}#fragment",
        f"{REGISTERED}/a b",
        f"{REGISTERED}/\n",
        f"{REGISTERED}/å",
        f" {REGISTERED}",
        "//eservice.sundsvall.example/forms",
        "/forms",
        "javascript:alert(1)",
        "https://",
        "https:///forms",
        "https://eservice.sundsvall.example:port/forms",
        "https://[eservice/forms",
        "",
    ],
)
def test_nothing_else_is(url: str) -> None:
    assert not may_return_to(url, [REGISTERED])


def test_a_bare_origin_covers_all_of_it_and_nothing_registered_covers_nothing() -> None:
    assert may_return_to("https://a.example/any/where", ["https://b.example", "https://a.example"])
    assert may_return_to("https://a.example", ["https://a.example/"])
    assert not may_return_to("https://a.example/", [])


@pytest.mark.parametrize(
    "url",
    ["https://a.example", "https://a.example:8443/back/", "http://127.0.0.1:8000/", "http://[::1]:80/x"],
)
def test_what_may_be_registered(url: str) -> None:
    assert is_return_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "https://a.example/?x=1",
        "https://a.example/?",
        "https://a.example/#x",
        "ftp://a.example/",
        "http://127.0.0.1.evil.example/",
        "https://a.example/a/../b",
        "a.example",
    ],
)
def test_what_may_not_be_registered(url: str) -> None:
    assert not is_return_address(url)
