"""The demo's company register agrees with the demo's mandates."""

from datetime import UTC, datetime

from factories import BERI
from registry.demo.data import DEMO_REGISTER, read_demo
from registry.domain.parties import Party, PartyType, Scheme
from registry.identity.company_register import load_file_register

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


async def test_it_says_what_the_mandates_say_of_their_companies() -> None:
    register = load_file_register(DEMO_REGISTER)
    seen = set()
    for mandate in read_demo(START).mandates:
        principal, details = mandate.proposal.principal, mandate.proposal.principal_details
        if principal.party.type is PartyType.ORGANISATION:
            entry = await register.find(principal.party, now=START)
            assert entry is not None
            assert details is not None
            assert entry.organisation == principal
            assert (entry.details.form, entry.details.source) == (details.form, details.source)
            assert entry.details.signatory_rule == details.signatory_rule
            seen.add(principal.party.value)
    assert len(seen) == 2


async def test_it_knows_a_sole_trader() -> None:
    entry = await load_file_register(DEMO_REGISTER).find(Party(Scheme.SE_PNR, BERI), now=START)
    assert entry is not None
    assert entry.details.signatory_rule is None
