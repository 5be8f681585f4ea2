from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from registry.demo.data import DemoData, DemoMandate
from registry.demo.loader import SECRET, NotEmptyError, load_demo
from registry.demo.testers import example_question
from registry.demo.trusted import trusted_demo_issuers
from registry.domain.callers import Caller
from registry.domain.events import EventType, Status
from registry.domain.mandate import Basis, Capacity, Mandate
from registry.domain.parties import Scheme
from registry.domain.questions import Decision, Reason
from registry.domain.template import Role, SignatureMethod, TemplateStatus
from registry.identity.client_secrets import is_client_secret
from registry.identity.issuers import TrustedIssuers, index_issuers
from registry.operations.look_up_mandate import FoundMandate, list_events, search_mandates
from registry.operations.manage_clients import ClientRegistration, list_registered_clients, register_client
from registry.operations.verify import AskedQuestion, Verifier
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessLog
from registry.storage.database import Database, open_database
from registry.storage.mandate_search import MandateFilter
from registry.storage.templates import TemplateFilter, search_templates

STATUSES = {
    "restaurant-bokforingsbyra": Status.ACTIVE,
    "restaurant-alyckan": Status.ACTIVE,
    "restaurant-renounced": Status.REVOKED,
    "aid-expired": Status.EXPIRED,
    "aid-not-yet-valid": Status.NOT_YET_VALID,
    "aid-revoked": Status.REVOKED,
    "guardian": Status.ACTIVE,
    "data-sharing": Status.ACTIVE,
    "seafarer-tax": Status.USED_UP,
    "restaurant-suspended": Status.SUSPENDED,
}
EVENTS = {
    "restaurant-renounced": [(EventType.RENOUNCED, Role.REPRESENTATIVE)],
    "aid-revoked": [(EventType.REVOKED, Role.PRINCIPAL)],
    "seafarer-tax": [(EventType.USED, Role.THIRD_PARTY), (EventType.USED_UP, Role.THIRD_PARTY)],
    "restaurant-suspended": [(EventType.SUSPENDED, Role.THIRD_PARTY)],
}


@dataclass(frozen=True)
class Loaded:
    """A registry with the demo in it, for tests that only look."""

    log: AccessLog
    data: DemoData
    now: datetime

    def mandate(self, key: str) -> DemoMandate:
        return next(item for item in self.data.mandates if item.key == key)

    async def find(self, key: str) -> FoundMandate:
        """The mandate as its third party finds it."""
        expected = self.mandate(key)
        hits = await search_mandates(
            self.log,
            self.data.client_of(expected.third_party),
            MandateFilter(self.now, principal=expected.proposal.principal.party),
            document={},
            after=None,
            limit=100,
        )
        [hit] = [hit for hit in hits if grants(hit.mandate, expected)]
        return hit

    async def verify(self, key: str, at: datetime | None = None) -> tuple[Decision, tuple[Reason, ...]]:
        mandate = self.mandate(key)
        asked = AskedQuestion(
            caller=self.data.client_of(mandate.third_party),
            third_party=mandate.third_party,
            principal=mandate.proposal.principal.party,
            representative=mandate.proposal.representatives[0].party,
            permissions=mandate.proposal.permissions,
            document={},
            asked_at=self.now,
            at=at,
        )
        [answered] = await Verifier(self.log, self.log.keys, connections=2).answer([asked])
        return answered.answer.decision, answered.answer.reasons


@pytest.fixture(scope="module")
async def loaded(clone_database: Callable[[], Awaitable[str]], keys: KeyRing) -> AsyncIterator[Loaded]:
    database = await open_database(await clone_database(), pool_size=4, hot_pool_size=1)
    now = datetime.now(UTC)
    summary = await load_demo(database, keys, index_issuers(trusted_demo_issuers()), now=now)
    assert summary.is_new
    yield Loaded(AccessLog(database, keys), summary.data, now)
    await database.close()


def grants(mandate: Mandate, expected: DemoMandate) -> bool:
    content, wanted = mandate.content, expected.proposal
    is_same_grant = set(content.permissions) == set(wanted.permissions)
    return is_same_grant and content.representatives == wanted.representatives


def test_the_demo_has_these_mandates(loaded: Loaded) -> None:
    assert [mandate.key for mandate in loaded.data.mandates] == list(STATUSES)


@pytest.mark.parametrize("key", STATUSES)
async def test_a_mandate_stands_as_described(loaded: Loaded, key: str) -> None:
    expected, hit = loaded.mandate(key), await loaded.find(key)
    content, wanted = hit.mandate.content, expected.proposal
    caller = loaded.data.client_of(expected.third_party)
    assert hit.status is STATUSES[key]
    assert (content.valid_from, content.valid_until) == (wanted.valid_from, wanted.valid_until)
    assert content.permission_details == wanted.permission_details
    assert (hit.mandate.issued_at, hit.mandate.registered_by) == (expected.issued_at, caller.urn)


@pytest.mark.parametrize("key", STATUSES)
async def test_what_happened_to_a_mandate_is_dated_when_it_did(loaded: Loaded, key: str) -> None:
    expected, hit = loaded.mandate(key), await loaded.find(key)
    caller = loaded.data.client_of(expected.third_party)
    _, _, events = await list_events(loaded.log, caller, hit.mandate.id, now=loaded.now)
    assert [(item.event.type, item.event.author.role) for item in events] == EVENTS.get(key, [])
    assert all(expected.act is not None and item.event.at == expected.act.at for item in events)


@pytest.mark.parametrize("key", STATUSES)
async def test_a_mandate_was_signed_before_it_was_issued(loaded: Loaded, key: str) -> None:
    expected, hit = loaded.mandate(key), await loaded.find(key)
    signatures = hit.mandate.signatures
    assert signatures
    assert all(signature.signed_at < expected.issued_at for signature in signatures)
    if expected.attestation is None:
        assert {signature.method for signature in signatures} == {SignatureMethod.JWS}
        assert [signature.signer for signature in signatures] == list(expected.signers)


async def test_two_signed_jointly_for_the_company(loaded: Loaded) -> None:
    mandate = (await loaded.find("restaurant-bokforingsbyra")).mandate
    assert [signature.capacity for signature in mandate.signatures] == [Capacity.SIGNATORY] * 2
    assert mandate.content.principal_details is not None
    assert mandate.content.principal_details.source


async def test_the_authority_attested_the_guardian(loaded: Loaded) -> None:
    mandate = (await loaded.find("guardian")).mandate
    [attested] = mandate.signatures
    assert mandate.content.basis is Basis.STATUTORY
    assert (attested.capacity, attested.method) == (Capacity.AUTHORITY, SignatureMethod.REGISTERED)
    assert attested.signer.party == mandate.content.third_party.party
    assert attested.registrar is not None
    assert attested.registrar.scheme is Scheme.USERNAME


async def test_every_template_is_found_by_the_uid_of_its_service(loaded: Loaded) -> None:
    async with loaded.log.database.reading() as session:
        _, published = await search_templates(session, TemplateFilter(), limit=1, offset=0)
        _, drafts = await search_templates(session, TemplateFilter(TemplateStatus.DRAFT), limit=1, offset=0)
        for template in loaded.data.templates:
            for service in template.content.services:
                wanted = TemplateFilter(service=service)
                [found], _ = await search_templates(session, wanted, limit=100, offset=0)
                assert found.content == template.content
                assert found.published_at == template.published_at
    assert (published, drafts) == (6, 0)


async def test_every_client_has_the_published_secret(loaded: Loaded) -> None:
    clients = await list_registered_clients(loaded.log.database)
    callers = {Caller(client.client_id, client.organisation, client.scopes) for client in clients}
    assert callers == set(loaded.data.clients)
    assert {client.secret_hash for client in clients} == {clients[0].secret_hash}
    assert await is_client_secret(SECRET, clients[0].secret_hash)


@pytest.mark.parametrize(
    ("key", "decision", "reasons"),
    [
        ("restaurant-bokforingsbyra", Decision.PERMIT, ()),
        ("restaurant-alyckan", Decision.PERMIT, ()),
        ("restaurant-renounced", Decision.DENY, (Reason.REVOKED,)),
        # Of two between the same parties the one that came further, which is over, gives the reason.
        ("aid-not-yet-valid", Decision.DENY, (Reason.EXPIRED,)),
        ("aid-revoked", Decision.DENY, (Reason.REVOKED,)),
        ("guardian", Decision.PERMIT, ()),
        ("data-sharing", Decision.PERMIT, ()),
        ("seafarer-tax", Decision.DENY, (Reason.USED_UP,)),
        ("restaurant-suspended", Decision.DENY, (Reason.SUSPENDED,)),
    ],
)
async def test_verifying(loaded: Loaded, key: str, decision: Decision, reasons: tuple[Reason, ...]) -> None:
    assert await loaded.verify(key) == (decision, reasons)


async def test_what_is_not_yet_valid_will_be(loaded: Loaded) -> None:
    in_time = loaded.now + timedelta(days=31)
    assert await loaded.verify("aid-not-yet-valid", in_time) == (Decision.PERMIT, ())


async def test_what_has_ended_was_good_before(loaded: Loaded) -> None:
    for key, days in (("restaurant-renounced", 110), ("aid-revoked", 20), ("seafarer-tax", 57)):
        before = loaded.now - timedelta(days=days)
        assert await loaded.verify(key, before) == (Decision.PERMIT, ())


def test_the_example_question_is_about_a_mandate_in_force(loaded: Loaded) -> None:
    proposal = loaded.mandate("restaurant-bokforingsbyra").proposal
    question = example_question(loaded.now)
    assert question["permissions"] == list(proposal.permissions)
    assert question["principal"] == {"scheme": "se-orgnr", "value": proposal.principal.party.value}


async def test_loading_again_changes_nothing(
    empty: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    snapshot: Callable[[], Awaitable[dict[str, list[str]]]],
) -> None:
    now = datetime.now(UTC)
    first = await load_demo(empty, keys, issuers, now=now)
    before = await snapshot()
    again = await load_demo(empty, keys, issuers, now=now + timedelta(days=40))
    assert await snapshot() == before
    assert not again.is_new
    assert again.data == first.data
    assert (len(before["mandate_records"]), len(before["mandate_events"])) == (10, 5)


async def test_the_demo_is_not_loaded_into_a_registry_in_use(
    empty: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    snapshot: Callable[[], Awaitable[dict[str, list[str]]]],
) -> None:
    now = datetime.now(UTC)
    registration = ClientRegistration("somebody", "se-orgnr:2120000829", ("templates:read",))
    await register_client(empty, registration, now=now)
    before = await snapshot()
    with pytest.raises(NotEmptyError, match="empty"):
        await load_demo(empty, keys, issuers, now=now)
    assert await snapshot() == before
