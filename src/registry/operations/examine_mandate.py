"""Examining a mandate that is to be issued: defaults, evidence and every rule, nothing written.

`POST /v1/mandates/preview` shows the outcome; issuing begins with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from registry.domain.callers import Caller
from registry.domain.delegation import Chain, check_delegation, grantors_of, inherit
from registry.domain.errors import Fault, ForbiddenError, InvalidInputError
from registry.domain.issuance import MandateProposal, check_content, choose_language, complete
from registry.domain.mandate import MandateContent, Signature, content_document
from registry.domain.signing_rules import Grantors, check_signatures
from registry.domain.template import TemplateStatus, TemplateVersion, text_document
from registry.identity.sources import Sources
from registry.operations.consult_register import consult_register
from registry.operations.draft_template import is_own
from registry.operations.evidence import CheckedSignatures, ClaimedSignature, check_evidence
from registry.operations.trace_chain import trace_chain
from registry.signing.canonical import base64url_digest, canonical_bytes, digest
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.templates import get_version


class Stage(Enum):
    """What the examination is for: whether signatures have to be there, and who may ask."""

    PREVIEW = auto()
    REQUEST = auto()
    ISSUE = auto()


@dataclass(frozen=True, slots=True)
class ExaminedMandate:
    """A mandate as it would be issued. `to_be_signed` are the RFC 8785 bytes of its content.

    `chain` is what a sub-mandate would hang below.
    """

    content: MandateContent
    template: TemplateVersion
    to_be_signed: bytes
    digest: bytes
    signatures: tuple[Signature, ...]
    chain: Chain | None = None


async def examine_mandate(
    database: Database,
    keys: KeyRing,
    sources: Sources,
    caller: Caller,
    proposal: MandateProposal,
    claimed: Sequence[ClaimedSignature],
    *,
    stage: Stage,
    now: datetime,
) -> ExaminedMandate:
    """Check a proposal against every rule.

    Only to be issued, it needs signatures; those given are checked all the same.
    What the company register says of the principal is filled in and stands (`consult_register`).
    Raises InvalidInputError with every fault; ForbiddenError unless the caller is the template's third
    party, which answers for what it states of the principal, or for a request the principal's own
    organisation on another's template; UnavailableError.
    """
    may_be_principal = stage is Stage.REQUEST
    template = await _find_template(database, caller, proposal, may_be_principal=may_be_principal)
    consulted = await consult_register(sources.register, caller, proposal, template.content, now=now)
    proposal = consulted.proposal
    text_digest = base64url_digest(
        canonical_bytes(text_document(template.content, choose_language(proposal, template.content)))
    )
    content = complete(proposal, template, text_digest, now=now)
    chain: Chain | None = None
    if proposal.parent is not None:
        async with database.reading() as session:
            chain = await trace_chain(session, keys, caller, proposal.parent, now=now)
    if chain is not None:
        content = inherit(content, proposal, chain.parent.content)
    to_be_signed = canonical_bytes(content_document(content))
    content_digest = digest(to_be_signed)
    checked = await check_evidence(claimed, sources.issuers, caller, content_digest=content_digest, now=now)
    signed_at = min((signature.signed_at for signature in checked.signatures), default=None)
    faults = [
        *check_content(content, template, signed_at=signed_at, now=now),
        *consulted.faults,
        *checked.faults,
    ]
    if chain is not None:
        faults += check_delegation(content, template.content, chain)
    elif content.parent is not None:
        faults.append(Fault("/parent", "unknown_mandate", "There is no mandate here with that id."))
    if (claimed or stage is Stage.ISSUE) and (chain is not None or content.parent is None):
        grantors = None if chain is None else grantors_of(chain)
        faults += _signing_faults(content, checked, template, grantors, now)
    if faults:
        raise InvalidInputError(tuple(faults))
    return ExaminedMandate(content, template, to_be_signed, content_digest, checked.signatures, chain)


def _signing_faults(
    content: MandateContent,
    checked: CheckedSignatures,
    template: TemplateVersion,
    grantors: Grantors | None,
    now: datetime,
) -> tuple[Fault, ...]:
    """The signing rules' faults; not that signatures are missing where the reason is a refused one."""
    faults = check_signatures(content, checked.signatures, template.content, grantors=grantors, now=now)
    return tuple(
        checked.placed(fault) for fault in faults if not checked.faults or fault.pointer != "/signatures"
    )


async def _find_template(
    database: Database, caller: Caller, proposal: MandateProposal, *, may_be_principal: bool
) -> TemplateVersion:
    async with database.reading() as session:
        template = await get_version(session, proposal.template_id, proposal.template_version)
    if template is None or (template.status is TemplateStatus.DRAFT and not is_own(caller, template)):
        raise InvalidInputError(
            (Fault("/template", "unknown_template", "There is no such template version."),)
        )
    third_party = template.content.third_party.party
    is_principal = may_be_principal and caller.organisation == proposal.principal.party != third_party
    if not is_principal and not is_own(caller, template):
        raise ForbiddenError(
            "Mandates are issued by clients of the template's third party; its clients ask for them, and "
            "those of the organisation that is the principal."
        )
    return template
