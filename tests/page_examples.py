"""The examples of the project's pages, run as they stand: in order, in one shell, against a served demo."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry_processes import Dev
from required_programs import PROJECT, need_program

_PART = re.compile(
    r"^#+ (?P<heading>[^\n]*)$|^```(?P<language>\w*)\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL
)
_BETWEEN = "==== next example ===="


@dataclass(frozen=True)
class Example:
    """A block of commands and the heading that it stands under."""

    heading: str
    commands: str


@dataclass(frozen=True)
class ShownExample(Example):
    """An example with what it wrote to standard output."""

    output: str


def read_examples(page: Path) -> list[Example]:
    """The `sh` blocks of a page, in order."""
    return list(_examples(page.read_text(encoding="utf-8")))


async def run_examples(page: Path, dev: Dev, directory: Path) -> list[ShownExample]:
    """Run a page's examples in this directory; none may fail, or be answered by a problem."""
    need_program("curl", to="run the pages' examples")
    examples = read_examples(page)
    script = f"\necho '{_BETWEEN}'\n".join(["set -euo pipefail", *(item.commands for item in examples)])
    programs = Path(sys.executable).parent
    script = script.replace("http://127.0.0.1:8000", dev.address).replace(".venv/bin/", f"{programs}/")
    script = script.replace("docs/receivers/", f"{PROJECT}/docs/receivers/")
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=directory,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (part.decode() for part in await process.communicate())
    assert process.returncode == 0, f"{err}\n{out[-2000:]}"
    assert "urn:registry:problem" not in out, out[out.index("urn:registry:problem") :][:1000]
    outputs = out.split(_BETWEEN)[1:]
    return [
        ShownExample(item.heading, item.commands, output)
        for item, output in zip(examples, outputs, strict=True)
    ]


def _examples(text: str) -> Iterator[Example]:
    heading = ""
    for part in _PART.finditer(text):
        heading = part["heading"] or heading
        if part["language"] == "sh":
            yield Example(heading, part["block"])
