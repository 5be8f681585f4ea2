"""A receiver of webhooks, of Python's standard library alone: copy it and put your own work into `take`.

    SECRET=whsec_... PUBLIC_KEY=whpk_... python3 receiver.py 9000

Either of the two verifies messages: the secret `v1` (HMAC-SHA256), the public key `v1a` (Ed25519). During
a rotation name several, separated by spaces. What it takes is written to standard output, one line for each.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_SECONDS = 300
LONGEST_BODY = 20_000

SECRETS = [base64.b64decode(item.removeprefix("whsec_")) for item in os.environ.get("SECRET", "").split()]
PUBLIC_KEYS = [
    base64.b64decode(item.removeprefix("whpk_")) for item in os.environ.get("PUBLIC_KEY", "").split()
]

seen: set[str] = set()
"""Message ids. Keep them in your database, beside what `take` writes, in the same transaction."""


def take(message: dict[str, Any]) -> None:
    """Note the event, and do the work later: the sender waits 15 seconds for the answer."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def is_genuine(message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether the registry signed this, and within the last five minutes."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    content = f"{message_id}.{timestamp}.".encode() + body
    for item in signatures.split():
        kind, _, text = item.partition(",")
        try:
            signature = base64.b64decode(text, validate=True)
        except ValueError:
            continue
        if kind == "v1" and any(
            hmac.compare_digest(hmac.digest(secret, content, "sha256"), signature) for secret in SECRETS
        ):
            return True
        if kind == "v1a" and any(verify_ed25519(key, content, signature) for key in PUBLIC_KEYS):
            return True
    return False


class Receiver(BaseHTTPRequestHandler):
    """Takes each message once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # http.server's name
        """Verify, remember, answer."""
        length = int(self.headers.get("Content-Length", "0"))
        if length > LONGEST_BODY:
            self.close_connection = True
            self._answer(413)
            return
        body = self.rfile.read(length)
        message_id = self.headers.get("webhook-id", "")
        timestamp = self.headers.get("webhook-timestamp", "")
        if not is_genuine(message_id, timestamp, self.headers.get("webhook-signature", ""), body):
            self._answer(401)
            return
        message = json.loads(body)
        if message["type"] == "endpoint.ping":
            # This proves that whoever answers here wants the deliveries.
            self._answer(200, {"challenge": message["data"]["challenge"]})
            return
        if message_id not in seen:
            take(message)
            seen.add(message_id)
        self._answer(204)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, document: dict[str, Any] | None = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if status != 204:  # noqa: PLR2004  # which has no body
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# Ed25519 verification as RFC 8032, section 6, writes it down; some milliseconds a message. Where you have the
# package `cryptography`, Ed25519PublicKey.from_public_bytes(key).verify(signature, message) does the same.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def add(one: Point, other: Point) -> Point:
    """Add two points of the curve, in extended coordinates."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point) -> Point:
    """Multiply a point."""
    product: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            product = add(product, point)
        point, factor = add(point, point), factor >> 1
    return product


def read_point(data: bytes) -> Point:
    """Decompress a point. Raises ValueError for what is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = read_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    half = int.from_bytes(signature[32:], "little")
    try:
        commitment, public = read_point(signature[:32]), read_point(key)
    except ValueError:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left, right = times(half, BASE), add(commitment, times(challenge, public))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P
    return len(signature) == 64 and half < ORDER and same  # noqa: PLR2004  # RFC 8032, 5.1.7


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
