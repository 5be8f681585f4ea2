"""The README's examples, run as they stand against the demo."""

import asyncio
import re
import sys
from pathlib import Path

from registry_processes import Dev
from required_programs import PROJECT, need_program

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BETWEEN = "==== next example ===="


def examples() -> list[str]:
    return BLOCK.findall((PROJECT / "README.md").read_text(encoding="utf-8"))


async def test_every_example_works_in_order(dev: Dev, tmp_path: Path) -> None:
    need_program("curl", to="run the README's examples")
    blocks = examples()
    script = f"\necho '{BETWEEN}'\n".join(["set -euo pipefail", *blocks])
    registry = Path(sys.executable).parent / "registry"
    script = script.replace("http://127.0.0.1:8000", dev.address).replace(".venv/bin/registry", str(registry))
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = (part.decode() for part in await process.communicate())
    assert process.returncode == 0, err
    assert "urn:registry:problem" not in out
    shown = dict(zip(blocks, out.split(BETWEEN)[1:], strict=True))

    def of(part: str) -> str:
        return next(answer for block, answer in shown.items() if part in block)

    assert '"Restaurangombud"' in of("/v1/templates?service=oep-serveringstillstand")
    assert "TB Bokföringsbyrå AB" in of("/v1/representations/search")
    assert '"decision":"permit"' in of("/v1/verifications")
    assert '"status":"active"' in of("/v1/mandates/status")
    assert '"mandate.issued"' in of("/events")
    assert '"mandate.revoked"' in of("/revocation")
