"""Company registers: who may sign for an organisation, by the word of the authority that keeps the register.

Read from a file (`FileRegister`) or asked over HTTP (`registry.identity.company_register_http`).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from registry.domain.errors import InvalidPartyIdError, OperatorError
from registry.domain.mandate import PrincipalDetails, SignatoryAlternative, SignatoryRule
from registry.domain.parties import NamedParty, Party
from registry.domain.signing_rules import may_sign_alone
from registry.identity.schemes import parse_party


@dataclass(frozen=True, slots=True)
class CompanyEntry:
    """What a register says of one business: its name, and form, signatory rule, source and time in `details`.

    A sole trader's business has the person's own identifier.
    """

    organisation: NamedParty
    details: PrincipalDetails

    def is_represented_alone_by(self, person: Party) -> bool:
        """Whether this person may sign for the business without anybody else."""
        rule = self.details.signatory_rule
        return person == self.organisation.party or (rule is not None and may_sign_alone(rule, person))


class CompanyRegister(Protocol):
    """A register that can be asked. Raises UnavailableError when it cannot be asked just now."""

    async def find(self, party: Party, *, now: datetime) -> CompanyEntry | None:
        """What the register says of an organisation, or of a person as sole trader; None if nothing."""

    async def list_engagements(self, person: Party, *, now: datetime) -> tuple[CompanyEntry, ...]:
        """The businesses in which the register names this person: as signatory, or as the sole trader."""


class CompanyRegisterFileError(OperatorError):
    """The file of the company register is missing or wrong."""


class PartyDocument(BaseModel):
    """A party as a register writes it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    scheme: str
    value: str

    def to_party(self) -> Party:
        """The party in canonical form. Raises ValueError for an identifier that is none."""
        try:
            return parse_party(self.scheme, self.value)
        except InvalidPartyIdError as error:
            raise ValueError(f"an identifier is no valid {self.scheme}: {error.code}") from error


class AlternativeDocument(BaseModel):
    """One way to sign, as a register writes it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    any_of: Annotated[list[PartyDocument], Field(min_length=1, max_length=100)]
    count: Annotated[int, Field(strict=True, ge=1, le=100)]


class RuleDocument(BaseModel):
    """A signatory rule, as a register writes it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: Annotated[str | None, Field(max_length=4000)] = None
    alternatives: Annotated[list[AlternativeDocument], Field(min_length=1, max_length=50)]

    def to_rule(self) -> SignatoryRule:
        """The rule in the domain's terms. Raises ValueError as `PartyDocument.to_party`."""
        alternatives = tuple(
            SignatoryAlternative(frozenset(party.to_party() for party in item.any_of), item.count)
            for item in self.alternatives
        )
        if any(len(item.any_of) < item.count for item in alternatives):
            raise ValueError("an alternative asks for more signatories than it names")
        return SignatoryRule(alternatives, self.text)


class CompanyDocument(PartyDocument):
    """A business as a register writes it. `retrieved_at` is when the register says it was so."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    form: Annotated[str | None, Field(max_length=300)] = None
    signatory_rule: RuleDocument | None = None
    source: Annotated[str, Field(min_length=1, max_length=300)]
    retrieved_at: datetime | None = None

    def to_entry(self) -> CompanyEntry:
        """The entry in the registry's terms. Raises ValueError for what makes no sense."""
        if self.retrieved_at is not None and self.retrieved_at.tzinfo is None:
            raise ValueError("`retrieved_at` needs an offset from UTC")
        return CompanyEntry(
            NamedParty(self.to_party(), self.name),
            PrincipalDetails(
                self.form,
                None if self.signatory_rule is None else self.signatory_rule.to_rule(),
                self.source,
                None if self.retrieved_at is None else self.retrieved_at.astimezone(UTC),
            ),
        )


class FileRegister:
    """A register as an extract in a file: a JSON object with `organisations`, in memory as long as it serves.

    Entries without `retrieved_at` are as old as the file.
    """

    def __init__(self, entries: Iterable[CompanyEntry]) -> None:
        """Take the entries. Raises ValueError when a business is named twice."""
        self._by_party: dict[Party, CompanyEntry] = {}
        self._by_person: dict[Party, list[CompanyEntry]] = {}
        for entry in entries:
            party = entry.organisation.party
            if self._by_party.setdefault(party, entry) is not entry:
                raise ValueError("a business stands there twice")
            rule = entry.details.signatory_rule
            named = {party for item in (rule.alternatives if rule else ()) for party in item.any_of}
            for person in named | {party}:
                self._by_person.setdefault(person, []).append(entry)

    async def find(self, party: Party, *, now: datetime) -> CompanyEntry | None:  # noqa: ARG002  # as the protocol
        """What the file says of this business."""
        return self._by_party.get(party)

    async def list_engagements(self, person: Party, *, now: datetime) -> tuple[CompanyEntry, ...]:  # noqa: ARG002  # as the protocol
        """The businesses in which the file names this person, in its order."""
        return tuple(self._by_person.get(person, ()))


def load_file_register(path: Path) -> FileRegister:
    """Read a register's extract. Raises CompanyRegisterFileError with what is wrong."""
    try:
        document = json.loads(path.read_bytes())
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        organisations = document["organisations"]
        entries = [CompanyDocument.model_validate(item).to_entry() for item in organisations]
        return FileRegister(_dated(entry, written_at) for entry in entries)
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise CompanyRegisterFileError(f"the company register {path.name} is wrong: {places}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CompanyRegisterFileError(f"the company register {path.name} is wrong: {error}") from None
    except OSError as error:
        raise CompanyRegisterFileError(
            f"cannot read the company register {path.name}: {error.strerror}"
        ) from None


def _dated(entry: CompanyEntry, at: datetime) -> CompanyEntry:
    retrieved_at = entry.details.retrieved_at or at
    return replace(entry, details=replace(entry.details, retrieved_at=retrieved_at))
