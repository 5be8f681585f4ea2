"""Tracing who granted on: of those who hold a mandate above another, on whose signature that one rests.

Only where a restriction names one of them does it matter, so that it is read from the records then.
"""

from collections.abc import Collection, Sequence

from registry.domain.delegation import grantors_in
from registry.domain.mandate import read_record
from registry.domain.questions import Candidate
from registry.domain.restrictions import Block, blocked_representatives
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import ReadSession
from registry.storage.mandate_records import list_sealed_records


def resting_on(candidates: Sequence[Candidate], blocks: Collection[Block]) -> list[Candidate]:
    """Those of the mandates that hang below one which a blocked representative holds."""
    named = blocked_representatives(blocks)
    return [item for item in candidates if named and not item.holders_above.isdisjoint(named)]


async def keep_grantors(session: ReadSession, keys: KeyRing, candidates: Sequence[Candidate]) -> None:
    """Leave in `holders_above` only those who granted on.

    Where one of the chain was erased, they all stay: who granted on is known no more.
    """
    lineages = [
        (item, [*(above.mandate_id for above in item.ancestors), item.mandate_id]) for item in candidates
    ]
    wanted = {mandate_id for _, lineage in lineages for mandate_id in lineage}
    sealed = await list_sealed_records(session, keys, sorted(wanted))
    for item, lineage in lineages:
        if all(mandate_id in sealed for mandate_id in lineage):
            chain = [read_record(open_seal(sealed[one], keys, SealType.MANDATE)) for one in lineage]
            item.holders_above = frozenset(map(keys.party_index, grantors_in(chain)))
