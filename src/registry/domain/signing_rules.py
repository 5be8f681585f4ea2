"""Signing rules: whose signatures make a mandate, all faults at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.domain.errors import Fault
from registry.domain.mandate import Capacity, MandateContent, SignatoryRule, Signature
from registry.domain.parties import Party, PartyType
from registry.domain.template import SignatureMethod, SigningBy, TemplateContent

ATTESTED = frozenset({SignatureMethod.REGISTERED, SignatureMethod.PAPER})
"""Methods in which an employee attests what somebody signed on paper: recorded, never verified."""

CLOCK_SKEW = timedelta(seconds=10)
"""How far ahead the clock of an e-ID issuer, which dates what it signs, may run of ours."""


@dataclass(frozen=True, slots=True)
class Grantors:
    """Who grants a sub-mandate: the representatives of its parent, as many as act `together`."""

    parties: frozenset[Party] = frozenset()
    together: int = 1


def check_signatures(
    content: MandateContent,
    signatures: Sequence[Signature],
    template: TemplateContent,
    *,
    grantors: Grantors | None = None,
    now: datetime,
) -> tuple[Fault, ...]:
    """Return every fault of these verified signatures; empty when they make the mandate.

    Checked: allowed method, nobody twice, nobody who has no part in it, no time ahead of `now` (by more
    than CLOCK_SKEW), and that the signing rule is met: the principal alone; for an organisation any
    alternative of its signatory rule; an authority for what it delivers; a guardian attested by a registrar;
    of a sub-mandate the `grantors`, without whom nobody may sign one.
    """
    faults = [
        fault for position, _ in enumerate(signatures) for fault in _check_one(signatures, position, now)
    ]
    faults += [
        Fault(f"/signatures/{position}/method", "method", "The template does not allow this method.")
        for position, signature in enumerate(signatures)
        if not _is_method_allowed(signature.method, template)
    ]
    return (*faults, *_check_rule(content, signatures, template, grantors or Grantors()))


def expected_capacity(content: MandateContent, template: TemplateContent) -> Capacity:
    """The capacity in which a mandate with this content is signed."""
    if content.parent is not None:
        return Capacity.REPRESENTATIVE
    match template.signing.by:
        case SigningBy.AUTHORITY:
            return Capacity.AUTHORITY
        case SigningBy.GUARDIAN:
            return Capacity.GUARDIAN
        case _ if content.principal.party.type is PartyType.ORGANISATION:
            return Capacity.SIGNATORY
        case _:
            return Capacity.PRINCIPAL


def _is_method_allowed(method: SignatureMethod, template: TemplateContent) -> bool:
    allowed = template.signing.methods
    attests_paper = method is SignatureMethod.REGISTERED and SignatureMethod.PAPER in allowed
    return method in allowed or attests_paper


def _check_one(signatures: Sequence[Signature], position: int, now: datetime) -> Iterator[Fault]:
    signature = signatures[position]
    if signature.signed_at - now > CLOCK_SKEW:
        yield Fault(f"/signatures/{position}/signed_at", "in_the_future", "A signature lies in the past.")
    if any(earlier.signer.party == signature.signer.party for earlier in signatures[:position]):
        yield Fault(f"/signatures/{position}", "repeated", "Each signer signs once.")


def _check_rule(
    content: MandateContent, signatures: Sequence[Signature], template: TemplateContent, grantors: Grantors
) -> Iterator[Fault]:
    expected = expected_capacity(content, template)
    for position, signature in enumerate(signatures):
        if signature.capacity is not expected:
            yield Fault(
                f"/signatures/{position}/capacity", "capacity", f"Here one signs as `{expected.value}`."
            )
    if not signatures:
        yield Fault("/signatures", "missing", f"Add the signature of the {expected.value}.")
        return
    match expected:
        case Capacity.SIGNATORY:
            yield from _check_signatories(content, signatures)
        case Capacity.PRINCIPAL:
            yield from _check_only(content.principal.party, signatures, "principal")
        case Capacity.AUTHORITY:
            yield from _check_only(content.third_party.party, signatures, "third party")
            yield from _check_attested(signatures)
        case Capacity.REPRESENTATIVE:
            yield from _check_grantors(content, signatures, grantors)
        case _:
            yield from _check_guardians(content, signatures)
            yield from _check_attested(signatures)


def _check_only(party: object, signatures: Sequence[Signature], who: str) -> Iterator[Fault]:
    for position, signature in enumerate(signatures):
        if signature.signer.party != party:
            yield Fault(
                f"/signatures/{position}/signer", "wrong_signer", f"Only the {who} signs this mandate."
            )


def _check_attested(signatures: Sequence[Signature]) -> Iterator[Fault]:
    for position, signature in enumerate(signatures):
        if signature.method not in ATTESTED:
            yield Fault(
                f"/signatures/{position}/method",
                "attestation",
                "This capacity is attested: use `registered` or `paper`.",
            )


def _check_guardians(content: MandateContent, signatures: Sequence[Signature]) -> Iterator[Fault]:
    for position, signature in enumerate(signatures):
        signer = signature.signer.party
        if signer == content.principal.party or signer.type is not PartyType.PERSON:
            yield Fault(f"/signatures/{position}/signer", "wrong_signer", "A guardian is another person.")


def _check_grantors(
    content: MandateContent, signatures: Sequence[Signature], grantors: Grantors
) -> Iterator[Fault]:
    """A person signs itself, an organisation through the signatories that `principal_details` state."""
    persons = {party for party in grantors.parties if party.type is PartyType.PERSON}
    details = content.principal_details
    rule = None if details is None or len(grantors.parties - persons) != 1 else details.signatory_rule
    signatories = {party for item in rule.alternatives for party in item.any_of} if rule else set()
    for position, signature in enumerate(signatures):
        if signature.signer.party not in persons | signatories:
            yield Fault(
                f"/signatures/{position}/signer",
                "wrong_signer",
                "A sub-mandate is signed by a representative of its parent: by the person itself, or for an "
                "organisation by its signatories under the stated rule.",
            )
    signers = {signature.signer.party for signature in signatures}
    granting = len(signers & persons) + (rule is not None and is_rule_met(rule, signatures))
    if granting < grantors.together:
        yield Fault(
            "/signatures", "too_few", f"As many sign as act together on the parent: {grantors.together}."
        )


def _check_signatories(content: MandateContent, signatures: Sequence[Signature]) -> Iterator[Fault]:
    details = content.principal_details
    rule = None if details is None else details.signatory_rule
    if rule is None or not rule.alternatives:
        yield Fault(
            "/principal_details/signatory_rule",
            "missing",
            "State who may sign for the organisation, with its source.",
        )
        return
    entitled = frozenset().union(*(alternative.any_of for alternative in rule.alternatives))
    for position, signature in enumerate(signatures):
        if signature.signer.party not in entitled:
            yield Fault(
                f"/signatures/{position}/signer",
                "wrong_signer",
                "This person is no signatory of the organisation under the stated rule.",
            )
    if not is_rule_met(rule, signatures):
        needed = min(alternative.count for alternative in rule.alternatives)
        yield Fault(
            "/signatures",
            "signatory_rule",
            f"The signatory rule is not met: complete one of its alternatives (from {needed} signatories).",
        )


def may_sign_alone(rule: SignatoryRule, person: Party) -> bool:
    """Whether one alternative of the rule needs nobody but this person."""
    return any(item.count == 1 and person in item.any_of for item in rule.alternatives)


def is_rule_met(rule: SignatoryRule, signatures: Sequence[Signature]) -> bool:
    """Whether the distinct signers complete at least one alternative of the rule."""
    signers = {signature.signer.party for signature in signatures}
    return any(
        len(signers & alternative.any_of) >= alternative.count >= 1 for alternative in rule.alternatives
    )
