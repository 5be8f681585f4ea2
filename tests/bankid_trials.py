"""What trials of BankID signatures share: one e-ID, what it signs, and the verdict."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography.x509.oid import NameOID

from bankid_forge import (
    YEAR,
    TestBankId,
    certify,
    rsa_key,
)
from factories import BERI
from registry.identity.eid_roots import EidRoots
from registry.identity.evidence_errors import EvidenceError, VerifiedSigner
from registry.identity.xml_evidence import verify_xml_evidence
from registry.signing.encodings import encode_base64url

NOW = datetime.now(UTC)
DIGEST = sha256(b"the content").digest()
TEXT = encode_base64url(DIGEST)
MINUTE = timedelta(minutes=1)


@cache
def eid() -> TestBankId:
    return TestBankId(NOW)


def verify(data: str, roots: EidRoots | None = None, **changes: Any) -> VerifiedSigner:  # noqa: ANN401  # any member
    arguments = {"content_digest": DIGEST, "signed_at": None, "now": datetime.now(UTC)} | changes
    return verify_xml_evidence(data, [roots or eid().roots()], **arguments)


def refusal(data: str, roots: EidRoots | None = None, **changes: Any) -> str:  # noqa: ANN401  # any member
    with pytest.raises(EvidenceError) as caught:
        verify(data, roots, **changes)
    assert BERI not in caught.value.message
    return caught.value.code


def stranger() -> Any:  # noqa: ANN401  # any member
    return certify(
        {NameOID.COMMON_NAME: "Test Root"},
        rsa_key("stranger"),
        None,
        valid=(NOW - YEAR, NOW + YEAR),
        is_authority=True,
        usage=("key_cert_sign",),
    )


def signing_xml(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    return lambda: eid().sign(TEXT, **changes)
