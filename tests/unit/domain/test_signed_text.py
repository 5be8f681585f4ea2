"""The text that is signed, in one language, and what a template tells of itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.template import TemplateContent, text_document
from unit.domain.builders import COLLECT, FILL_IN, SIGN, TEMPLATE
from unit.domain.strategies import TEMPLATES


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        ({"sv": "S", "en": "E", "da": "D"}, "sv", "S"),
        ({"sv": "S", "en": "E", "da": "D"}, "fi", "E"),
        ({"sv": "S", "da": "D"}, "en", "D"),
        ({"sv": "S"}, "sv-SE", "S"),
        ({}, "sv", None),
    ],
)
def test_a_text_falls_back_to_english_then_to_the_first_language(
    texts: dict[str, str], language: str, expected: str | None
) -> None:
    content = replace(TEMPLATE, title=texts, description=texts)
    document = text_document(content, language)
    assert (document["title"], document["description"]) == (expected, expected)
    assert document["language"] == language


def test_the_signed_text_names_every_permission_offered_in_order() -> None:
    content = replace(TEMPLATE, permissions=(SIGN, replace(FILL_IN, description={"en": "Only fill in"})))
    assert text_document(content, "en") == {
        "language": "en",
        "title": "Restaurant representative",
        "description": None,
        "permissions": [
            {"code": "sign", "title": "Skriva under", "description": None},
            {"code": "fill-in", "title": "Fill in", "description": "Only fill in"},
        ],
    }


@given(TEMPLATES, st.sampled_from(["sv", "en", "xx"]))
def test_what_is_signed_depends_on_the_texts_alone(content: TemplateContent, language: str) -> None:
    silent = replace(content, services=(), department=None, retention_days=1, external_code=None)
    assert text_document(silent, language) == text_document(content, language)


def test_a_permission_is_found_by_its_code() -> None:
    assert TEMPLATE.permission("collect") is COLLECT
    assert TEMPLATE.permission("other") is None


def test_a_mandate_is_signed_in_a_language_that_has_a_title() -> None:
    assert TEMPLATE.languages == {"sv", "en"}
