"""Receipts: signed proof of what was asked and what was answered, to archive and check offline."""

from collections.abc import Sequence
from datetime import datetime

from registry.domain.documents import Document, Json
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.tlog.merkle import inclusion_path, leaf_hash, levels, root


def receipt(
    question: Document, answer: Document, keys: KeyRing, *, issuer: str, audit_id: str, now: datetime
) -> str:
    """A compact JWS over one question and its answer; `jti` is the id of the audit row."""
    document: dict[str, Json] = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "jti": audit_id,
        "question": question,
        "answer": answer,
    }
    return seal(document, keys, SealType.RECEIPT, now=now).decode()


def batch_receipt(
    pairs: Sequence[tuple[Document, Document]], keys: KeyRing, *, issuer: str, audit_id: str, now: datetime
) -> tuple[str, list[dict[str, Json]]]:
    """One receipt for a batch and, for each answer, its path to the root that the receipt signs.

    A leaf is the RFC 8785 bytes of `{"answer", "question"}`; the tree is that of RFC 6962.
    """
    leaves = [canonical_bytes({"question": question, "answer": answer}) for question, answer in pairs]
    tree = levels([leaf_hash(leaf) for leaf in leaves])
    document: dict[str, Json] = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "jti": audit_id,
        "size": len(leaves),
        "root": encode_base64url(root(tree)),
    }
    paths: list[dict[str, Json]] = [
        {"index": index, "path": [encode_base64url(node) for node in inclusion_path(tree, index)]}
        for index in range(len(leaves))
    ]
    return seal(document, keys, SealType.BATCH_RECEIPT, now=now).decode(), paths
