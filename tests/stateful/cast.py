"""Who takes part in a life, and on which templates; a child and a youth whose birthdays lie close ahead."""

from datetime import UTC, date, datetime

from factories import BERI, HERMAN, MARIA, PAUL, PETRONELLA, Json
from party_numbers import swedish

BEGINNING = datetime(2103, 3, 24, 22, tzinfo=UTC)
"""Shortly before summer time begins at the third party."""

CHILD, YOUTH = swedish("20900326110"), swedish("20850327110")
BIRTHS = {
    BERI: date(1986, 2, 26),
    MARIA: date(1967, 9, 13),
    PAUL: date(1958, 9, 13),
    HERMAN: date(1950, 4, 11),
    PETRONELLA: date(1986, 2, 10),
    CHILD: date(2090, 3, 26),
    YOUTH: date(2085, 3, 27),
}
PRINCIPALS = (BERI, MARIA, CHILD)
REPRESENTATIVES = (PAUL, HERMAN, PETRONELLA, YOUTH)
PERMISSIONS = ("apply", "follow")
TEMPLATES: dict[str, Json] = {
    "plain": {},
    "limited": {"exercise": {"max_uses": 2}},
    "joint": {"exercise": {"together": 2}},
    "delegable": {"delegation": {"max_depth": 2}},
    "approved": {"exercise": {"approval": True}},
    "aged": {"age_limits": {"principal_below": 13, "representative_from": 18}},
    "statutory": {
        "signing": {"by": "authority"},
        "validity": {"default_days": 365, "max_days": 1825, "open_ended": True},
        "age_limits": {"principal_below": 13, "representative_from": 18},
    },
}
GRANTED = tuple(name for name in TEMPLATES if name != "statutory")
AGED = frozenset({"aged", "statutory"})
