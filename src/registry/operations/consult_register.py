"""Ask the company register who may sign for the principal of a mandate that is to be issued."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from registry.domain.callers import Caller, Scope
from registry.domain.errors import Fault
from registry.domain.issuance import MandateProposal
from registry.domain.mandate import PrincipalDetails
from registry.domain.parties import PartyType
from registry.domain.signing_rules import CLOCK_SKEW
from registry.domain.template import MAX_REQUEST_LIFETIME_DAYS, SigningBy, TemplateContent
from registry.identity.company_register import CompanyEntry, CompanyRegister

_LONGEST_WAIT = timedelta(days=MAX_REQUEST_LIFETIME_DAYS)
"""How long ago the answer that was signed may be: as long as signatures are waited for."""

_BY_ITSELF = frozenset({SigningBy.PRINCIPAL, SigningBy.SIGNATORIES})


@dataclass(frozen=True, slots=True)
class ConsultedProposal:
    """The proposal with what the register says of its principal, and where it had said otherwise."""

    proposal: MandateProposal
    faults: tuple[Fault, ...] = ()


async def consult_register(
    register: CompanyRegister | None,
    caller: Caller,
    proposal: MandateProposal,
    template: TemplateContent,
    *,
    now: datetime,
) -> ConsultedProposal:
    """Let the register's answer stand for the principal's name and details, and refuse what contradicts it.

    Asked of every business that signs for itself: an organisation, or a sole trader by the person's number.
    The answer with its source and time is what is kept; a caller may state it as an earlier preview gave it,
    and then that time stands. Where there is no register, or none that knows a rule, only a registrar may
    state one. A sole trader that the register does not know is no fault: registers need not list them, and
    such a person signs for nobody else. Raises UnavailableError when the register cannot be asked.
    """
    entry = None
    if register is not None and _signs_for_itself(proposal, template):
        entry = await register.find(proposal.principal.party, now=now)
    is_organisation = proposal.principal.party.type is PartyType.ORGANISATION
    if entry is None or (is_organisation and entry.details.signatory_rule is None):
        return ConsultedProposal(proposal, tuple(_faults_without_register(proposal, caller)))
    stated = proposal.principal_details or PrincipalDetails()
    retrieved_at = stated.retrieved_at or entry.details.retrieved_at
    # A sole trader's business may have a name of its own; the party is the person, whatever its name.
    name = entry.organisation.name if is_organisation else proposal.principal.name
    consulted = replace(
        proposal,
        principal=replace(proposal.principal, name=name or entry.organisation.name),
        principal_details=replace(entry.details, retrieved_at=retrieved_at),
    )
    return ConsultedProposal(consulted, tuple(_contradictions(proposal, stated, entry, now)))


def _signs_for_itself(proposal: MandateProposal, template: TemplateContent) -> bool:
    is_business = PartyType.ORGANISATION in {proposal.principal.party.type, proposal.principal_role}
    return is_business and proposal.parent is None and template.signing.by in _BY_ITSELF


def _faults_without_register(proposal: MandateProposal, caller: Caller) -> Iterator[Fault]:
    details = proposal.principal_details
    if details is None or details.signatory_rule is None or Scope.MANDATES_REGISTER in caller.scopes:
        return
    yield Fault(
        "/principal_details/signatory_rule",
        "not_a_registrar",
        f"No company register answers here: only a registrar (`{Scope.MANDATES_REGISTER}`) states a rule.",
    )


def _contradictions(
    proposal: MandateProposal, stated: PrincipalDetails, entry: CompanyEntry, now: datetime
) -> Iterator[Fault]:
    rule, known_rule = stated.signatory_rule, entry.details.signatory_rule
    alternatives = None if rule is None else frozenset(rule.alternatives)
    known_alternatives = None if known_rule is None else frozenset(known_rule.alternatives)
    known_text = None if known_rule is None else known_rule.text
    is_organisation = proposal.principal.party.type is PartyType.ORGANISATION
    said_name = proposal.principal.name if is_organisation else None
    compared = {
        "/principal/name": (_folded(said_name), _folded(entry.organisation.name)),
        "/principal_details/form": (_folded(stated.form), _folded(entry.details.form)),
        "/principal_details/source": (_folded(stated.source), _folded(entry.details.source)),
        "/principal_details/signatory_rule/alternatives": (alternatives, known_alternatives),
        "/principal_details/signatory_rule/text": (
            _folded(None if rule is None else rule.text),
            _folded(known_text),
        ),
    }
    for pointer, (said, known) in compared.items():
        if said is not None and said != known:
            message = "The company register says otherwise: leave it out, or state what a preview answers."
            yield Fault(pointer, "register_differs", message)
    if stated.retrieved_at is not None and stated.retrieved_at - now > CLOCK_SKEW:
        yield Fault("/principal_details/retrieved_at", "in_the_future", "Nothing was looked up after now.")
    elif stated.retrieved_at is not None and now - stated.retrieved_at > _LONGEST_WAIT:
        yield Fault(
            "/principal_details/retrieved_at",
            "too_old",
            f"Look it up anew: an answer serves for at most {MAX_REQUEST_LIFETIME_DAYS} days.",
        )


def _folded(text: str | None) -> str | None:
    """Case and spacing do not count."""
    return None if text is None else " ".join(text.casefold().split())
