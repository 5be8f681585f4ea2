"""The example of an evidence bundle: of a mandate to which nothing has happened, alone in its log."""

from registry.api.examples.log import CHECKPOINT, KEY, ORIGIN
from registry.api.examples.mandates import RECORD, sealed_record
from registry.api.examples.parts import KEY_ID, MANDATE_ID, NOW, TEMPLATE_ID, Example, compact_jws
from registry.signing.encodings import encode_base64url
from registry.signing.records import SealType
from registry.tlog.inclusion import InclusionProof

_PROOF = InclusionProof(0, (), CHECKPOINT).text
_PUBLICATION = {
    "schema": "template-publication/1",
    "template_id": TEMPLATE_ID,
    "version": 1,
    "published_at": NOW,
}

EXAMPLES = {
    "gather_the_evidence": Example(
        {
            "schema": "evidence-bundle/1",
            "mandate_id": MANDATE_ID,
            "made_at": NOW,
            "record": {
                "number": 0,
                "sealed": sealed_record(RECORD),
                "salt": encode_base64url(bytes(32)),
                "proof": _PROOF,
            },
            "events": [],
            "signatures": [
                {"evidence": compact_jws({"iss": "https://eid.demo.invalid"}, typ="mandate-signature+jwt")}
            ],
            "template": {
                "id": TEMPLATE_ID,
                "version": 1,
                "sealed": compact_jws(_PUBLICATION, typ=SealType.TEMPLATE),
                "proof": _PROOF,
            },
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "x": "ae3pZBuut-IV53RyhjxqFREQXIvs_1e48KyHRwYZUU0",
                    "y": "GdMwxQDZzOOXHLmKhHWUQPoCwjDDib2aDYL8Ha7Op-4",
                    "kid": KEY_ID,
                    "alg": "ES256",
                    "use": "sig",
                    "nbf": 1795219200,
                }
            ],
            "log_keys": [KEY.verifier(ORIGIN).text],
            "checkpoint": CHECKPOINT,
        }
    )
}
