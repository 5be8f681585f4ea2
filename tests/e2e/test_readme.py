"""The README's examples, run as they stand against the demo."""

from pathlib import Path

from page_examples import run_examples
from registry_processes import Dev
from required_programs import PROJECT


async def test_every_example_works_in_order(dev: Dev, tmp_path: Path) -> None:
    shown = await run_examples(PROJECT / "README.md", dev, tmp_path)

    def of(part: str) -> str:
        return next(example.output for example in shown if part in example.commands)

    assert '"Restaurangombud"' in of("/v1/templates?service=oep-serveringstillstand")
    assert "TB Bokföringsbyrå AB" in of("/v1/representations/search")
    assert '"decision":"permit"' in of("/v1/verifications")
    assert '"status":"active"' in of("/v1/mandates/status")
    assert '"mandate.issued"' in of("/events")
    assert '"mandate.revoked"' in of("/revocation")
