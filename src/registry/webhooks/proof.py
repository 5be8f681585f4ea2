"""The proof of wish: before its first delivery an endpoint shows that it wants them.

Either it answers the handshake of CloudEvents (HTTP 1.1 Web Hooks for Event Delivery, section 4): `OPTIONS`
with `WebHook-Request-Origin`, answered by `WebHook-Allowed-Origin`; a bare 200 is no consent. Or it answers
a signed ping with the challenge in it.
"""

import hmac
import json

from registry.webhooks.schedule import Verdict, judge
from registry.webhooks.sender import Answer, Outgoing, Sender

_CHALLENGE = "challenge"


async def prove_wish(sender: Sender, ping: Outgoing, *, origin: str, challenge: str) -> tuple[bool, Answer]:
    """Ask an endpoint whether it wants deliveries; the last answer tells why not.

    `origin` is the registry's host name; `ping` has the challenge in its body.
    """
    asked = Outgoing(ping.url, {"WebHook-Request-Origin": origin}, b"", "OPTIONS")
    answer = await sender.send(asked)
    if _allows(answer, origin):
        return True, answer
    answer = await sender.send(ping)
    return _echoes(answer, challenge), answer


def _allows(answer: Answer, origin: str) -> bool:
    allowed = answer.headers.get("webhook-allowed-origin", "").strip()
    return judge(answer.status) is Verdict.DELIVERED and allowed.lower() in ("*", origin.lower())


def _echoes(answer: Answer, challenge: str) -> bool:
    """Whether the challenge came back: as JSON `{"challenge": "..."}`, or as bare text."""
    if judge(answer.status) is not Verdict.DELIVERED:
        return False
    text = answer.body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = text
    echoed = document.get(_CHALLENGE) if isinstance(document, dict) else document
    # JSON may hold halves of surrogate pairs, which are no text.
    return isinstance(echoed, str) and hmac.compare_digest(
        echoed.encode("utf-8", "replace"), challenge.encode()
    )
