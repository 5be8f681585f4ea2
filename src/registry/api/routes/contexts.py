"""Acting contexts: keep acting for the same principal from one e-service to the next."""

from typing import Any

from fastapi import APIRouter, Request

from registry.api.models.contexts import ActingContextOut, ExchangeIn, ExchangeOut
from registry.api.models.parties import PartyOut
from registry.api.models.verifications import QuestionIn, read_at_least
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Scope
from registry.domain.documents import Document
from registry.domain.parties import NamedParty, Party
from registry.operations.acting_contexts import Exchange, exchange_acting_context, open_acting_context
from registry.operations.verify import AnsweredQuestion
from registry.signing.receipts import receipt

router = APIRouter(prefix="/v1/acting-contexts", tags=["Acting contexts"], route_class=RegistryRoute)


# What does not apply is left out, as in verifications: the answer is shown as its receipt holds it.
@router.post(
    "",
    summary="Open an acting context",
    response_model_exclude_unset=True,
    openapi_extra=needs(Scope.VERIFY_OWN),
)
async def open_context(
    request: Request, body: QuestionIn, runtime: RuntimeDep, caller: CallerDep
) -> ActingContextOut:
    """Verify, and get a permit as a token of at most 15 minutes for another e-service to exchange.

    The question is that of a verification about now. Hand the token to the representative's browser: it
    names nobody in the clear, and is good for no more than a question of the other e-service's own.
    """
    now = runtime.now()
    at_least = read_at_least(body.at_least, runtime.keys, runtime.database.system_id, "")
    asked = body.to_question(caller, await request.json(), at_least, now=now)
    opened = await open_acting_context(
        runtime.verifier, runtime.keys, asked, issuer=runtime.settings.public_url
    )
    answer = _answer(runtime, opened.answered, asked.document)
    return ActingContextOut.model_validate(
        answer | {"context": opened.token, "expires_at": opened.expires_at}
    )


@router.post(
    "/exchange",
    summary="Exchange an acting context",
    response_model_exclude_unset=True,
    openapi_extra=needs(Scope.VERIFY_OWN),
)
async def exchange_context(
    request: Request, body: ExchangeIn, runtime: RuntimeDep, caller: CallerDep
) -> ExchangeOut:
    """Verify for the parties of an acting context, as another e-service: an answer and receipt of your own.

    The context proves who came; whether they may act here is decided anew, by the mandates there are here.
    Name the representative who is logged in at yours: a context that another person brings is then a
    `party_mismatch`. It can be exchanged again until it ends.
    """
    document = await request.json()
    exchanged = await exchange_acting_context(
        runtime.verifier,
        runtime.keys,
        caller,
        Exchange(
            token=body.context,
            third_party=caller.organisation if body.third_party is None else body.third_party.party,
            permissions=tuple(dict.fromkeys(body.permissions)),
            document={name: value for name, value in document.items() if name != "context"},
            principal=None if body.principal is None else body.principal.party,
            representative=None if body.representative is None else body.representative.party,
            service=body.service,
            specifier=body.specifier,
            at_least=read_at_least(body.at_least, runtime.keys, runtime.database.system_id, ""),
            approval_id=body.approval_id,
            content_digest=body.content_digest,
        ),
        issuer=runtime.settings.public_url,
        now=runtime.now(),
    )
    answer = _answer(runtime, exchanged.answered, exchanged.document)
    parties = {
        "principal": _party(exchanged.principal),
        "representative": _party(exchanged.representative),
    }
    return ExchangeOut.model_validate(answer | parties)


def _answer(runtime: Runtime, answered: AnsweredQuestion, question: Document) -> dict[str, Any]:
    """The members of a verification's answer, with its receipt."""
    signed = receipt(
        question,
        answered.document,
        runtime.keys,
        issuer=runtime.settings.public_url,
        audit_id=answered.audit_id,
        now=runtime.now(),
    )
    token = answered.consistency_token
    return {**answered.document, "consistency_token": token, "receipt": signed}


def _party(party: Party | None) -> PartyOut | None:
    # With its name, which is not known here, set: a party is always shown whole.
    return None if party is None else PartyOut.of(NamedParty(party))
