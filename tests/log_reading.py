"""The log as a stranger reads it: over HTTP, with nothing of the registry's own code but its addresses."""

import base64
from dataclasses import dataclass
from hashlib import sha256

import httpx

from reference_tree import tree_hash


@dataclass(frozen=True)
class SeenLog:
    """A checkpoint, unverified, and the entries that it is over."""

    note: str
    size: int
    root: bytes
    entries: list[bytes]


async def get(http: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await http.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer


async def read_log(http: httpx.AsyncClient) -> SeenLog:
    """The newest checkpoint with all its entries, against which each tile is held, full or partial."""
    note = (await get(http, "/log/checkpoint")).text
    _, size_text, root, *_ = note.split("\n")
    size = int(size_text)
    entries: list[bytes] = []
    for address in addresses("entries", size):
        entries += split(await get(http, address))
    level, hashes = 0, [sha256(b"\x00" + entry).digest() for entry in entries]
    while hashes:
        served = b"".join([(await get(http, path)).content for path in addresses(str(level), len(hashes))])
        assert served == b"".join(hashes)
        step = 256 ** (level + 1)
        whole = size // step
        hashes = [tree_hash(entries[number * step : (number + 1) * step]) for number in range(whole)]
        level += 1
    return SeenLog(note, size, base64.b64decode(root), entries)


def addresses(level: str, hashes: int) -> list[str]:
    """Of every tile of a level with so many hashes; of fewer than a million tiles."""
    names = [named(number) for number in range(hashes // 256)]
    if hashes % 256:
        names.append(f"{named(hashes // 256)}.p/{hashes % 256}")
    return [f"/log/tile/{level}/{name}" for name in names]


def named(number: int) -> str:
    return f"{number:03}" if number < 1000 else f"x{number // 1000:03}/{number % 1000:03}"


def split(bundle: httpx.Response) -> list[bytes]:
    data, entries = bundle.content, []
    while data:
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries
