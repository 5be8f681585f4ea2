"""The guides' examples, run as they stand against the demo, each page by itself."""

from pathlib import Path

import pytest

from page_examples import read_examples, run_examples
from registry_processes import Dev
from required_programs import PROJECT

GUIDES = PROJECT / "docs" / "guides"
PAGES = sorted(path.name for path in GUIDES.glob("*.md"))

OUTCOMES = {
    "consents.md": {
        "1.": ['"services":["kk-sygedagpenge"]', '"status":"pending"', '"capacity":"principal"'],
        "2.": ['"status":"issued"'],
        "3.": ['"status":"pending"', '"status":"issued"'],
        "4.": ['"status":"active"', '"method":"paper"', '"value":"borgerservice-12"'],
        "5.": ['"method":"jws"', '"method":"registered"', '"method":"paper"', '"decision":"permit"'],
        "6.": ['"role":"principal"', '"title":"Samtykke', '"revocation":"/v1/mandates/'],
        "7.": ['"type":"mandate.revoked"', '"by":"principal"', '"reasons":["revoked"]'],
        "8.": ['"by":"registrar"', '"type":"mandate.withdrawal_requested"', '"type":"mandate.revoked"'],
        "9.": [
            *['"status":"revoked"'] * 3,
            '"type":"mandate.issued"',
            '"type":"mandate.withdrawal_requested"',
            '"type":"mandate.revoked"',
        ],
    },
    "events.md": {
        "1.": ['"type":"template.published"', '"items":[]'],
        "2.": ['"expiry_warning_days":[30,7]', '"status":"issued"'],
        "3.": ['"type":"mandate.issued"', '"notify":["principal"]', '"next":"'],
        "4.": ['"remaining":null'],
        "5.": ['"type":"mandate.revoked"', '"open_cases":[{"use_id":"', '"case_ref":"BYGG 2026-88"}]'],
        "6.": ['"type":"mandate.use_closed"', '"status":"retired"'],
    },
    "guardians.md": {
        "1.": ['"signing":{"by":"authority"', '"basis":"statutory"', '"is_new":true', '"is_new":false'],
        "2.": ['"decision":"permit"', '"reasons":["age_limit"]'],
        "3.": ['"scope":"guardians"', '"reasons":["restricted"]', '"items":[]'],
        "4.": ['"status":"lifted"', '"decision":"permit"'],
        "5.": ['"purpose":"leave of absence 2026-31"', '"decision":"permit"', '"reasons":["restricted"]'],
        "6.": ['"mandates":[]', '"ended":["', '"reasons":["revoked"]'],
    },
    "joint-signing-and-sub-mandates.md": {
        "1.": ['"max_depth":1', '"status":"pending"', '"count":1', '"count":2'],
        "2.": ['"status":"pending"', '"signatures":[{', '"status":"issued"'],
        "3.": ['"capacity":"representative"', '"status":"issued"'],
        "4.": ['"decision":"permit"', '"chain":["', '"reasons":["out_of_scope"]'],
        "5.": ['"also_ended":["', *['"status":"revoked"'] * 2, '"reason":"ancestor_ended"'],
    },
    "mina-ombud.md": {
        "1.": ['"kty":"RSA"', '"use":"sig"'],
        "2.": [
            '"kontext":[{"tredjeman":"2120002411"',
            '"_sig":{"protected":"',
            '"totalElements":2',
            '"kontext":[]',
        ],
        "3.": ['"status":"HISTORISK"', '"part":"FULLMAKTSGIVARE"', '{"fullmakt":{"id":"', '"_sig":'],
        "4.": ['"fullmaktsgivare":{"id":"5563813962","typ":"orgnr"', '"totalElements":1'],
        "5.": ['"tjanster":["oep-ekonomiskt-bistand"]', '{"mall":{"id":"'],
    },
    "shared-control.md": {
        "1.": ['"approval":true', '"status":"published"'],
        "2.": ['"status":"issued"'],
        "3.": ['"decision":"conditional","reasons":["approval_required"]'],
        "4.": ['"status":"pending"', '"decision":"conditional"'],
        "5.": ['"status":"approved"', '"decision":"permit"', '"decision":"conditional"'],
        "6.": ['"context":"', '"decision":"permit"', '"representative":{"scheme":"se-pnr"'],
        "7.": ['"type":"mandate.revoked"', '"status":"retired"'],
    },
    "webhooks.md": {
        "1.": ['"status":"pending"', '"secret":"whsec_', '"public_key":"whpk_'],
        "2.": ['"type":"endpoint.ping"', '"status":"enabled"', '"secret":null'],
        "3.": ['"status":"published"', '"type": "template.published"'],
        "4.": ['"state":"delivered"', '"history":[{"number":1', '"status":204'],
        "5.": ['"state":"waiting"', '"queued":', '"next_since":null'],
        "6.": ['"secret":"whsec_', '"until":"', '"status":"retired"'],
    },
}
"""By page and section: what its answers say, in this order."""


@pytest.mark.parametrize("page", PAGES)
async def test_every_example_works_in_order(page: str, dev: Dev, tmp_path: Path) -> None:
    shown = await run_examples(GUIDES / page, dev, tmp_path)
    for number, expected in OUTCOMES[page].items():
        answers = "".join(example.output for example in shown if example.heading.startswith(number))
        rest = answers
        for part in expected:
            assert part in rest, f"{number} says no {part} (in this order):\n{answers}"
            rest = rest.partition(part)[2]


@pytest.mark.parametrize("page", PAGES)
def test_every_section_has_an_outcome(page: str) -> None:
    sections = {example.heading.partition(" ")[0] for example in read_examples(GUIDES / page)[1:]}
    assert OUTCOMES[page].keys() == sections


def test_the_guides_begin_with_the_same_functions() -> None:
    assert len({read_examples(GUIDES / page)[0].commands for page in PAGES}) == 1
