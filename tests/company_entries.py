"""Businesses as a company register lists them."""

from datetime import UTC, datetime, timedelta

from factories import HERMAN, MARIA, PETRONELLA, Json
from registry.identity.company_register import CompanyDocument, FileRegister

SOURCE = "Bolagsverket, näringslivsregistret"
AS_OF = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)


def pnr(number: str) -> Json:
    return {"scheme": "se-pnr", "value": number}


def rule(*alternatives: tuple[int, tuple[str, ...]], text: str = "Firman tecknas enligt registret") -> Json:
    """A rule of (count, persons)."""
    listed = [
        {"any_of": [pnr(number) for number in numbers], "count": count} for count, numbers in alternatives
    ]
    return {"text": text, "alternatives": listed}


JOINTLY_OR_ALONE = rule((1, (PETRONELLA,)), (2, (HERMAN, MARIA, PETRONELLA)))


def company(number: str, **changes: object) -> Json:
    """A company for which two sign jointly, or Petronella alone."""
    return {
        "scheme": "se-orgnr",
        "value": number,
        "name": "TB Bokföringsbyrå AB",
        "form": "aktiebolag",
        "source": SOURCE,
        "signatory_rule": JOINTLY_OR_ALONE,
        "retrieved_at": AS_OF.isoformat(),
    } | changes


def sole_trader(number: str, **changes: object) -> Json:
    """A sole trader's business."""
    return (
        company(
            number, scheme="se-pnr", name="Ylles Trädgård", form="enskild näringsidkare", signatory_rule=None
        )
        | changes
    )


def register_of(*documents: Json) -> FileRegister:
    """A register that lists these."""
    return FileRegister(CompanyDocument.model_validate(item).to_entry() for item in documents)
