"""The bytes that are signed are those of RFC 8785, as the reference library writes them."""

from collections.abc import Mapping
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain import mandate, template
from registry.domain.documents import Document, Json
from registry.domain.events import EventType, MandateEvent, event_document
from registry.domain.mandate import Mandate
from registry.domain.revocation import revocation_document
from registry.domain.template import Role, TemplateContent
from registry.signing.canonical import base64url_digest, canonical_bytes, digest
from registry.signing.encodings import decode_base64url
from unit.domain.strategies import EVENTS, MANDATES, TEMPLATES

# What the registry's documents are made of: codes as names, any text as values, small integers, no floats.
_NAMES = st.sampled_from(["", "*", "-", ".", "0", "10", "9", "A", "Z", "_", "a", "a.b", "a:b", "aa", "z"])
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
_VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)
_DOCUMENTS: st.SearchStrategy[Document] = st.dictionaries(_NAMES, _VALUES, max_size=5)


def plain(value: Json) -> object:
    """The same document of the built-in types that the reference library takes."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def reference(document: Document) -> bytes:
    return rfc8785.dumps(plain(document))  # type: ignore[arg-type]  # built-in types by now


@settings(max_examples=100, deadline=None)
@given(_DOCUMENTS)
def test_any_document_like_ours(document: Document) -> None:
    assert canonical_bytes(document) == reference(document)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF)), _TEXTS, max_size=8))
def test_names_may_be_any_of_the_basic_plane(document: dict[str, str]) -> None:
    assert canonical_bytes(document) == reference(document)


@settings(max_examples=25, deadline=None)
@given(MANDATES)
def test_records(issued: Mandate) -> None:
    for document in (mandate.record_document(issued), mandate.content_document(issued.content)):
        assert canonical_bytes(document) == reference(document)


@settings(max_examples=25, deadline=None)
@given(TEMPLATES)
def test_templates(content: TemplateContent) -> None:
    for document in (template.content_document(content), template.text_document(content, "sv")):
        assert canonical_bytes(document) == reference(document)


def _has_ascii_names(event: MandateEvent) -> bool:
    return all(name.isascii() for name in _names(event.details))


@settings(max_examples=25, deadline=None)
@given(EVENTS.filter(_has_ascii_names))
def test_events(event: MandateEvent) -> None:
    assert canonical_bytes(event_document(event)) == reference(event_document(event))


@settings(max_examples=30, deadline=None)
@given(st.uuids(), st.sampled_from(Role), st.none() | _TEXTS)
def test_revocations(mandate_id: object, role: Role, reason: str | None) -> None:
    document = revocation_document(str(mandate_id), role, reason)
    assert canonical_bytes(document) == reference(document)


def test_a_written_out_example() -> None:
    document: Document = {
        "b": 1,
        "a": ["å", None, True, {"z": '\u2028\x7f\x00\n"\\/', "y": -5}],
        "Z": {},
        "": [],
    }
    assert canonical_bytes(document) == (
        '{"":[],"Z":{},"a":["å",null,true,{"y":-5,"z":"\u2028\x7f\\u0000\\n\\"\\\\/"}],"b":1}'.encode()
    )


def test_enumerations_are_written_as_their_text() -> None:
    assert canonical_bytes({"type": EventType.REVOKED}) == b'{"type":"mandate.revoked"}'


@pytest.mark.parametrize("value", [b"bytes", {1: "a number as a name"}, object(), {"a", "b"}])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_bytes({"member": value})  # type: ignore[dict-item]  # that is the point


def test_digests() -> None:
    data = b'{"a":1}'
    assert digest(data) == sha256(data).digest()
    assert decode_base64url(base64url_digest(data)) == sha256(data).digest()
    assert "=" not in base64url_digest(data)


def _names(value: Json) -> list[str]:
    if isinstance(value, Mapping):
        return [*value, *(name for item in value.values() for name in _names(item))]
    if isinstance(value, list | tuple):
        return [name for item in value for name in _names(item)]
    return []
