"""What Mina ombud's clients ask, and what they are told: signed, fresh, in their own words."""

from factories import BERI, PAUL, person
from minaombud_platform import Platform


async def test_a_holder_sees_its_permissions(platform: Platform) -> None:
    template = await platform.world.publish_template(platform.organisation)
    mandate = await platform.world.issue(platform.organisation, template, permissions=["apply", "follow"])
    answer = await platform.itself.search_permissions(platform.question(PAUL), platform.id_token(PAUL))
    print(answer)
    (context,) = answer["kontext"]
    whole = await platform.itself.get_mandate(platform.number, mandate["id"], platform.id_token(PAUL))
    print(whole)
    listed = await platform.itself.search_mandates(
        {"fullmaktshavare": {"id": PAUL, "typ": "pnr"}}, platform.id_token(PAUL)
    )
    print(listed)
    assert 0
