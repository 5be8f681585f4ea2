"""Withdrawal asked for, and its answer, on the wire."""

from typing import Annotated

from pydantic import Field

from registry.api.models.acts import ActSignatureIn, RegistrarIn
from registry.api.models.fields import ShortText, WireIn
from registry.domain.parties import Party
from registry.domain.template import Role
from registry.operations.request_withdrawal import WithdrawalRequest


class WithdrawalRequestIn(WireIn):
    """Who asks for withdrawal, and why: the principal, or a registrar for it."""

    by: Annotated[Role, Field(json_schema_extra={"examples": ["principal"]})]
    reason: ShortText
    signature: ActSignatureIn | None = None
    registrar: RegistrarIn | None = None

    def to_request(self, person: Party | None) -> WithdrawalRequest:
        """The request in the operations' terms."""
        return WithdrawalRequest(
            by=self.by,
            reason=self.reason,
            person=person,
            signature=None if self.signature is None else self.signature.evidence.data,
            registrar=None if self.registrar is None else self.registrar.to_registrar(),
            signature_format="jws" if self.signature is None else self.signature.evidence.format,
        )


class CompletionIn(WireIn):
    """What the third party has to say as it ends the mandate; nothing is needed."""

    reason: ShortText | None = None


class RefusalIn(WireIn):
    """Why the mandate goes on."""

    reason: ShortText
