"""Statutory deliveries: an authority's own mandates, replaced as a whole."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from registry.api.models.deliveries import DeliveredMandateOut, DeliveryIn, DeliveryOut
from registry.api.models.fields import Code
from registry.api.personal_numbers import names_person
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.deliveries import DeliveryKey
from registry.domain.errors import AlreadyInForceError, Fault, ForbiddenError, InvalidInputError
from registry.operations.deliver_mandates import DeliveredMandate, deliver_mandates
from registry.signing.consistency import consistency_token

router = APIRouter(prefix="/v1/statutory-deliveries", tags=["Mandates"], route_class=RegistryRoute)

Source = Annotated[Code, Path(description="Which of your registers or systems delivers")]
Key = Annotated[
    Code, Path(description="Your own key of the delivery there, such as a case; never a person's")
]


@router.put(
    "/{source}/{key}",
    summary="Deliver statutory mandates",
    openapi_extra=needs(Scope.MANDATES_ISSUE, ForbiddenError, AlreadyInForceError),
)
async def deliver(
    request: Request, source: Source, key: Key, body: DeliveryIn, runtime: RuntimeDep, caller: CallerDep
) -> DeliveryOut:
    """Deliver what the law or a court gives, from your own register: guardians, custodians, signatories.

    The delivery replaces your earlier one under this key as a whole, in one transaction: mandates that are no
    longer in it end, new ones are issued, those that are written as before stay. The same again changes
    nothing: one that was revoked meanwhile stays revoked, and its `status` says so. To have it issued anew,
    write it differently (`external_ref`).
    """
    _refuse_persons(source=source, key=key)
    documents = (await request.json())["mandates"]
    items = [
        DeliveredMandate(item.to_proposal(), document)
        for item, document in zip(body.mandates, documents, strict=True)
    ]
    outcome = await deliver_mandates(
        runtime.database, runtime.keys, caller, DeliveryKey(source, key), items, now=runtime.now()
    )
    return DeliveryOut(
        source=source,
        key=key,
        delivered_at=outcome.delivered_at,
        mandates=[
            DeliveredMandateOut(id=item, is_new=item in outcome.new, status=outcome.statuses[item])
            for item in outcome.mandate_ids
        ],
        ended=list(outcome.ended),
        consistency_token=consistency_token(await runtime.database.position(), runtime.keys),
    )


def _refuse_persons(**texts: str) -> None:
    faults = tuple(
        Fault(
            f"path:{name}",
            "personal_identifier",
            "A person's identifier never belongs in an address: use a key of your own.",
        )
        for name, text in texts.items()
        if names_person(text)
    )
    if faults:
        raise InvalidInputError(faults)
