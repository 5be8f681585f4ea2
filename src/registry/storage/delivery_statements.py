"""The queue's statements: written in SQL, their parameters typed by name."""

import re
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Float, Integer, LargeBinary, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.types import TypeEngine

from registry.storage.tables.metadata import moment

_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "now": moment,
    "since": moment,
    "lease_ends": moment,
    "endpoint_id": Uuid(),
    "lease_id": Uuid(),
    "limit": Integer(),
    "burst": Float(),
    "audiences": ARRAY(LargeBinary),
    "firsts": ARRAY(BigInteger),
    "endpoint_ids": ARRAY(Uuid),
    "ids": ARRAY(Uuid),
    "lease_ids": ARRAY(Uuid),
    "states": ARRAY(Text),
    "types": ARRAY(Text),
    "reasons": ARRAY(Text),
    "due_ats": ARRAY(moment),
    "pauses": ARRAY(moment),
}


def typed_statement(sql: str) -> TextClause:
    """A statement whose parameters have their types by name."""
    named = set(re.findall(r"(?<!:):([a-z_]+)", sql))
    return text(sql).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in named))
