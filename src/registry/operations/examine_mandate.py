"""Examining a mandate that is to be issued: defaults, evidence and every rule, nothing written.

`POST /v1/mandates/preview` shows the outcome; issuing begins with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.domain.callers import Caller
from registry.domain.errors import Fault, ForbiddenError, InvalidInputError
from registry.domain.issuance import MandateProposal, check_content, choose_language, complete
from registry.domain.mandate import MandateContent, Signature, content_document
from registry.domain.signing_rules import check_signatures
from registry.domain.template import TemplateStatus, TemplateVersion, text_document
from registry.identity.issuers import TrustedIssuers
from registry.operations.draft_template import is_own
from registry.operations.evidence import CheckedSignatures, ClaimedSignature, check_evidence
from registry.signing.canonical import base64url_digest, canonical_bytes, digest
from registry.storage.database import Database
from registry.storage.templates import get_version


@dataclass(frozen=True, slots=True)
class ExaminedMandate:
    """A mandate as it would be issued. `to_be_signed` are the RFC 8785 bytes of its content."""

    content: MandateContent
    template: TemplateVersion
    to_be_signed: bytes
    digest: bytes
    signatures: tuple[Signature, ...]


async def examine_mandate(
    database: Database,
    issuers: TrustedIssuers,
    caller: Caller,
    proposal: MandateProposal,
    claimed: Sequence[ClaimedSignature],
    *,
    needs_signatures: bool,
    now: datetime,
    may_be_principal: bool = False,
) -> ExaminedMandate:
    """Check a proposal against every rule.

    Without `needs_signatures`, an absent signature is no fault (those given are checked all the same).
    Raises InvalidInputError with every fault; ForbiddenError unless the caller is the template's third
    party, which answers for what it states of the principal, or with `may_be_principal` the principal's own
    organisation on another's template; UnavailableError.
    """
    template = await _find_template(database, caller, proposal, may_be_principal=may_be_principal)
    text_digest = base64url_digest(
        canonical_bytes(text_document(template.content, choose_language(proposal, template.content)))
    )
    content = complete(proposal, template, text_digest, now=now)
    to_be_signed = canonical_bytes(content_document(content))
    content_digest = digest(to_be_signed)
    checked = await check_evidence(claimed, issuers, caller, content_digest=content_digest, now=now)
    signed_at = min((signature.signed_at for signature in checked.signatures), default=None)
    faults = [*check_content(content, template, signed_at=signed_at, now=now), *checked.faults]
    if claimed or needs_signatures:
        faults += _signing_faults(content, checked, template, now)
    if faults:
        raise InvalidInputError(tuple(faults))
    return ExaminedMandate(content, template, to_be_signed, content_digest, checked.signatures)


def _signing_faults(
    content: MandateContent, checked: CheckedSignatures, template: TemplateVersion, now: datetime
) -> tuple[Fault, ...]:
    """The signing rules' faults; not that signatures are missing where the reason is a refused one."""
    faults = check_signatures(content, checked.signatures, template.content, now=now)
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
        raise ForbiddenError("Mandates are issued by clients of the template's third party.")
    return template
