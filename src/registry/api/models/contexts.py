"""Acting contexts on the wire."""

from typing import Annotated

from pydantic import Field

from registry.api.models.fields import Code, Digest, EndTime, Id, ShortText, WireIn
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.models.verifications import VerificationOut


class ActingContextOut(VerificationOut):
    """The answer; where it is a permit, the token that carries it and when that ends."""

    context: Annotated[
        str | None, Field(description="A compact JWS (`acting-context+jwt`) that names no party in the clear")
    ]
    expires_at: Annotated[EndTime | None, Field(description="15 minutes from now at most")]


class ExchangeIn(WireIn):
    """An acting context, and what is asked on the strength of it."""

    context: Annotated[str, Field(min_length=1, max_length=50_000)]
    third_party: Annotated[
        PartyIn | None,
        Field(description="Towards whom; default your own organisation, another needs `verify:any`"),
    ] = None
    permissions: Annotated[
        list[Code], Field(min_length=1, max_length=50, examples=[["ceb9028a-ffce-4b9a-adca-165972fec48a"]])
    ]
    principal: Annotated[
        PartyIn | None, Field(description="Whom you take it to be: another is `party_mismatch`")
    ] = None
    representative: Annotated[
        PartyIn | None, Field(description="Name who is logged in: another is `party_mismatch`")
    ] = None
    service: Annotated[Code | None, Field(description="The e-service's stable UID")] = None
    specifier: Annotated[dict[Code, ShortText] | None, Field(max_length=20)] = None
    approval_id: Annotated[
        Id | None, Field(description="An approval of your matter; default the context's, at its third party")
    ] = None
    content_digest: Annotated[
        Digest | None, Field(description="With `approval_id`: of the content that was approved")
    ] = None
    at_least: Annotated[
        Annotated[str, Field(max_length=100)] | None,
        Field(description="A `consistency_token`: never answer from an older state"),
    ] = None
    purpose: ShortText | None = None


class ExchangeOut(VerificationOut):
    """An answer of your own; the parties where it does not deny, else as you named them."""

    principal: PartyOut | None
    representative: PartyOut | None
