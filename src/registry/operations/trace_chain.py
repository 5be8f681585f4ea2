"""Tracing a sub-mandate's chain: the mandates above it, each with the terms that it was signed on."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.delegation import Chain, Link
from registry.domain.mandate import MandateContent, read_record
from registry.domain.template import TemplateContent
from registry.operations.act_on_mandate import present_status
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import ReadSession
from registry.storage.mandate_records import list_sealed_records
from registry.storage.mandate_states import get_state
from registry.storage.templates import get_version


async def trace_chain(
    session: ReadSession, keys: KeyRing, caller: Caller, parent_id: UUID, *, now: datetime
) -> Chain | None:
    """The chain that ends with this parent, root first, as it stands now.

    None for a parent that the caller may not see, and where one of the chain was erased.
    """
    parent = await get_state(
        session, keys, parent_id, seen_by=caller.organisation, departments=caller.departments
    )
    if parent is None:
        return None
    ids = (*parent.ancestor_ids, parent_id)
    sealed = await list_sealed_records(session, keys, ids)
    if len(sealed) < len(ids):
        return None
    contents = [read_record(open_seal(sealed[item], keys, SealType.MANDATE)).content for item in ids]
    terms = await _terms_of(session, contents)
    links = tuple(Link(content, terms[content.template_id, content.template_version]) for content in contents)
    return Chain(ids, links, present_status(parent, now))


async def _terms_of(
    session: ReadSession, contents: list[MandateContent]
) -> dict[tuple[UUID, int], TemplateContent]:
    terms = {}
    for key in {(content.template_id, content.template_version) for content in contents}:
        version = await get_version(session, *key)
        if version is None:
            raise RuntimeError("a mandate's template version is never removed")
        terms[key] = version.content
    return terms
