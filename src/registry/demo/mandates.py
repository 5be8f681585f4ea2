"""The demo's mandates: each is signed, issued and acted on as its parties would do it, and once only."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from registry.demo.data import Attestation, DemoData, DemoMandate, Revoked, Suspended, Used
from registry.demo.eid import sign_as
from registry.domain.callers import Caller
from registry.domain.mandate import Capacity
from registry.domain.parties import PartyType
from registry.domain.template import SignatureMethod
from registry.identity.issuers import TrustedIssuers
from registry.identity.sources import Sources
from registry.operations.act_on_mandate import read_mandate
from registry.operations.evidence import ClaimedSignature
from registry.operations.examine_mandate import ExaminedMandate, Stage, examine_mandate
from registry.operations.issue_mandate import IssueRequest, issue_mandate
from registry.operations.revoke_mandate import Revocation, revocation_bytes, revoke_mandate
from registry.operations.suspend_mandate import suspend_mandate
from registry.operations.use_mandate import Use, use_mandate
from registry.signing.canonical import digest
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.idempotency import IdempotentRequest
from registry.storage.mandate_search import MandateFilter, search_states
from registry.storage.mandate_states import get_state

_SIGNING_TAKES: Final = timedelta(minutes=15)
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Loading:
    """A demo on its way into a registry."""

    database: Database
    keys: KeyRing
    issuers: TrustedIssuers
    data: DemoData

    def request(self, caller: Caller, operation: str, name: str) -> IdempotentRequest:
        """The request that makes one thing of the demo; the same thing, the same request."""
        key = f"demo:{operation}:{name}"
        return IdempotentRequest(caller.client_id, key, operation, self.keys.mac(key.encode()))


async def issue(loading: Loading, mandate: DemoMandate, template_id: UUID) -> UUID:
    """Issue a mandate as of its own time, unless it was issued before; returns its id."""
    caller = loading.data.client_of(mandate.third_party)
    proposal = replace(mandate.proposal, template_id=template_id)
    examined = await examine_mandate(
        loading.database,
        loading.keys,
        Sources(loading.issuers),
        caller,
        proposal,
        (),
        stage=Stage.PREVIEW,
        now=mandate.issued_at,
    )
    earlier = await _find(loading, caller, examined)
    if earlier is not None:
        return earlier
    return await issue_mandate(
        loading.database,
        loading.keys,
        Sources(loading.issuers),
        caller,
        IssueRequest(proposal, tuple(_signatures(mandate, examined.digest))),
        loading.request(caller, "issue_mandate", mandate.key),
        now=mandate.issued_at,
    )


async def act_on(loading: Loading, mandate: DemoMandate, mandate_id: UUID) -> None:
    """Do what happened to a mandate, unless it was done before."""
    caller = loading.data.client_of(mandate.third_party)
    async with loading.database.reading() as session:
        state = await get_state(session, loading.keys, mandate_id, seen_by=caller.organisation)
    if state is not None and state.event_count:
        return
    database, keys = loading.database, loading.keys
    match mandate.act:
        case Revoked() as act:
            revocation = _signed(act, mandate_id)
            await revoke_mandate(database, keys, loading.issuers, caller, mandate_id, revocation, now=act.at)
        case Used() as act:
            request = loading.request(caller, "use_mandate", mandate.key)
            use = Use(act.permission, act.case_ref, act.by)
            await use_mandate(database, keys, caller, mandate_id, use, request, now=act.at)
        case Suspended() as act:
            await suspend_mandate(database, keys, caller, mandate_id, act.reason, now=act.at)


async def _find(loading: Loading, caller: Caller, examined: ExaminedMandate) -> UUID | None:
    """The mandate with exactly this content, if it was issued before."""
    content = examined.content
    wanted = MandateFilter(
        content.valid_from, principal=content.principal.party, template_id=content.template_id
    )
    content_digest = encode_base64url(examined.digest)
    async with loading.database.reading() as session:
        states = await search_states(
            session, loading.keys, wanted, seen_by=caller.organisation, after=None, limit=_PAGE
        )
        for state in states:
            mandate = await read_mandate(session, loading.keys, state.mandate_id)
            if mandate.content_digest == content_digest:
                return mandate.id
    return None


def _signatures(mandate: DemoMandate, content_digest: bytes) -> Iterator[ClaimedSignature]:
    if mandate.attestation is not None:
        yield _attested(mandate.attestation, mandate.issued_at - _SIGNING_TAKES)
    is_organisation = mandate.proposal.principal.party.type is PartyType.ORGANISATION
    for place, signer in enumerate(mandate.signers):
        signed_at = mandate.issued_at - (len(mandate.signers) - place) * _SIGNING_TAKES
        yield ClaimedSignature(
            capacity=Capacity.SIGNATORY if is_organisation else Capacity.PRINCIPAL,
            method=SignatureMethod.JWS,
            evidence_format="jws",
            evidence=sign_as(signer.party, signer.name, content_digest, now=signed_at),
        )


def _attested(attestation: Attestation, signed_at: datetime) -> ClaimedSignature:
    return ClaimedSignature(
        capacity=Capacity.AUTHORITY,
        method=SignatureMethod.REGISTERED,
        evidence_format="statement",
        evidence=attestation.statement,
        signer=attestation.signer,
        signed_at=signed_at,
        registrar=attestation.employee,
    )


def _signed(act: Revoked, mandate_id: UUID) -> Revocation:
    unsigned = Revocation(act.role, act.reason)
    content_digest = digest(revocation_bytes(mandate_id, unsigned))
    signature = sign_as(act.person.party, act.person.name, content_digest, now=act.at - _SIGNING_TAKES)
    return replace(unsigned, signature=signature)
