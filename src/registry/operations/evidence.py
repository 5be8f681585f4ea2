"""Signatures as claimed become signatures as verified: evidence is checked, not stored on trust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry.domain.callers import Caller, Scope
from registry.domain.errors import Fault
from registry.domain.mandate import Capacity, Signature
from registry.domain.parties import NamedParty, Party, PartyType
from registry.domain.template import SignatureMethod
from registry.identity.attachments import read_attachment
from registry.identity.eid_evidence import EvidenceError, verify_eid_evidence
from registry.identity.issuers import TrustedIssuers
from registry.signing.canonical import base64url_digest
from registry.signing.encodings import encode_base64url

_FORMATS = {
    SignatureMethod.JWS: "jws",
    SignatureMethod.REGISTERED: "statement",
    SignatureMethod.SE_BANKID: "xmldsig",
    SignatureMethod.PAPER: "attachment",
}
_VERIFIED = frozenset({SignatureMethod.JWS, SignatureMethod.SE_BANKID})


@dataclass(frozen=True, slots=True)
class ClaimedSignature:
    """A signature as the caller delivers it. Who signed by an e-ID is read from the evidence alone."""

    capacity: Capacity
    method: SignatureMethod
    evidence_format: str
    evidence: str
    signer: NamedParty | None = None
    signed_at: datetime | None = None
    registrar: Party | None = None


@dataclass(frozen=True, slots=True)
class CheckedSignatures:
    """The signatures that hold, each with its place in the request, and the faults of those that do not."""

    held: Mapping[int, Signature]
    faults: tuple[Fault, ...]

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The signatures that hold, in the order of the request."""
        return tuple(self.held.values())

    def placed(self, fault: Fault) -> Fault:
        """A fault of one of `signatures`, pointing at its place in the request."""
        match fault.pointer.split("/"):
            case ["", "signatures", number, *rest]:
                place = list(self.held)[int(number)]
                return replace(fault, pointer="/".join(["", "signatures", str(place), *rest]))
            case _:
                return fault


async def check_evidence(
    claimed: Sequence[ClaimedSignature],
    issuers: TrustedIssuers,
    caller: Caller,
    *,
    content_digest: bytes,
    now: datetime,
) -> CheckedSignatures:
    """Verify each signature's evidence against the SHA-256 of the content.

    A `registered` or `paper` one is an employee's attestation of a paper original, the latter with its scan:
    it needs the registrar scope, the employee, the signer and the time on the paper. Raises UnavailableError
    when an issuer's keys cannot be had.
    """
    held: dict[int, Signature] = {}
    faults: list[Fault] = []
    for position, item in enumerate(claimed):
        pointer = f"/signatures/{position}"
        if _FORMATS[item.method] != item.evidence_format:
            faults.append(_wrong_format(pointer, item.method))
        elif item.method in _VERIFIED:
            found = await _check_eid(item, issuers, pointer, content_digest=content_digest, now=now)
            if isinstance(found, Fault):
                faults.append(found)
            else:
                held[position] = found
        else:
            missing = _check_registered(item, caller, pointer)
            faults.extend(missing)
            if not missing:
                held[position] = _registered(item)
    return CheckedSignatures(held, tuple(faults))


async def _check_eid(
    item: ClaimedSignature,
    issuers: TrustedIssuers,
    pointer: str,
    *,
    content_digest: bytes,
    now: datetime,
) -> Signature | Fault:
    try:
        verified = await verify_eid_evidence(
            item.evidence_format,
            item.evidence,
            issuers,
            content_digest=content_digest,
            signed_at=item.signed_at,
            now=now,
        )
    except EvidenceError as error:
        return Fault(f"{pointer}/evidence/data", f"evidence_{error.code}", error.message)
    if item.signer is not None and item.signer.party != verified.party:
        return Fault(f"{pointer}/signer", "wrong_signer", "The evidence names another person as signer.")
    name = verified.name or (item.signer.name if item.signer else None)
    return Signature(
        signer=NamedParty(verified.party, name),
        capacity=item.capacity,
        method=item.method,
        signed_at=verified.signed_at,
        evidence_format=item.evidence_format,
        evidence_digest=encode_base64url(verified.evidence_digest),
        issuer=verified.issuer,
    )


def _check_registered(item: ClaimedSignature, caller: Caller, pointer: str) -> list[Fault]:
    if Scope.MANDATES_REGISTER not in caller.scopes:
        message = f"Only a registrar attests paper originals: the token lacks `{Scope.MANDATES_REGISTER}`."
        return [Fault(f"{pointer}/method", "not_a_registrar", message)]
    needed = {
        "signer": (item.signer, "Name who signed the paper original."),
        "signed_at": (item.signed_at, "Give the time at which the paper original was signed."),
        "registrar": (item.registrar, "Name the employee who attests it."),
    }
    faults = [
        Fault(f"{pointer}/{member}", "missing", message)
        for member, (value, message) in needed.items()
        if value is None
    ]
    faults += _check_attested_evidence(item, pointer)
    if item.registrar is not None and (
        item.registrar.type is PartyType.ORGANISATION
        or (item.signer is not None and item.registrar == item.signer.party)
    ):
        message = "Name the employee by user name or personal number; nobody attests an own signature."
        faults.append(Fault(f"{pointer}/registrar", "no_employee", message))
    return faults


def _check_attested_evidence(item: ClaimedSignature, pointer: str) -> list[Fault]:
    """The employee's statement, or the scan that holds one."""
    if item.method is SignatureMethod.REGISTERED:
        if item.evidence.strip():
            return []
        return [Fault(f"{pointer}/evidence/data", "missing", "State what was seen, in the employee's words.")]
    try:
        read_attachment(item.evidence)
    except EvidenceError as error:
        return [Fault(f"{pointer}/evidence/data", f"evidence_{error.code}", error.message)]
    return []


def _registered(item: ClaimedSignature) -> Signature:
    if item.signer is None or item.signed_at is None:
        raise ValueError("checked before")
    return Signature(
        signer=item.signer,
        capacity=item.capacity,
        method=item.method,
        signed_at=item.signed_at,
        evidence_format=item.evidence_format,
        evidence_digest=base64url_digest(item.evidence.encode()),
        registrar=item.registrar,
    )


def _wrong_format(pointer: str, method: SignatureMethod) -> Fault:
    return Fault(
        f"{pointer}/evidence/format",
        "evidence_format",
        f"Evidence of the method `{method}` has the format `{_FORMATS[method]}`.",
    )
