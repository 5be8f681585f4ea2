"""Answering questions: from a parsed body to an answer with its receipt. The hot path calls this directly."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from registry.api.models.verifications import BatchIn, QuestionIn, read_at_least
from registry.api.runtime import Runtime
from registry.domain.callers import Caller
from registry.operations.verify import AnsweredQuestion, AskedQuestion, check_third_party
from registry.signing.receipts import batch_receipt, receipt

MAX_SQL_QUESTIONS = 200


async def answer_question(
    runtime: Runtime, caller: Caller, question: QuestionIn, document: Mapping[str, Any]
) -> bytes:
    """Answer one question: the JSON of a `VerificationOut`. Its audit row is committed when this returns."""
    now = runtime.now()
    asked = _asked(runtime, caller, question, document, now=now, pointer="")
    answered = await runtime.verifier.answer_one(asked)
    signed = receipt(
        asked.document,
        answered.document,
        runtime.keys,
        issuer=runtime.settings.public_url,
        audit_id=answered.audit_id,
        now=now,
    )
    return orjson.dumps(
        {**answered.document, "consistency_token": answered.consistency_token, "receipt": signed}
    )


async def answer_batch(
    runtime: Runtime, caller: Caller, batch: BatchIn, documents: Sequence[Mapping[str, Any]]
) -> bytes:
    """Answer many questions in their order: the JSON of a `BatchOut`, with one receipt for all."""
    now = runtime.now()
    asked = [
        _asked(runtime, caller, question, document, now=now, pointer=f"/questions/{number}")
        for number, (question, document) in enumerate(zip(batch.questions, documents, strict=True))
    ]
    answered: list[AnsweredQuestion] = []
    for start in range(0, len(asked), MAX_SQL_QUESTIONS):
        answered += await runtime.verifier.answer(asked[start : start + MAX_SQL_QUESTIONS])
    signed, paths = batch_receipt(
        [(one.document, other.document) for one, other in zip(asked, answered, strict=True)],
        runtime.keys,
        issuer=runtime.settings.public_url,
        audit_id=answered[0].audit_id,
        now=now,
    )
    answers = [
        {**item.document, "consistency_token": item.consistency_token, "receipt_path": path}
        for item, path in zip(answered, paths, strict=True)
    ]
    return orjson.dumps({"answers": answers, "receipt": signed})


def _asked(
    runtime: Runtime,
    caller: Caller,
    question: QuestionIn,
    document: Mapping[str, Any],
    *,
    now: datetime,
    pointer: str,
) -> AskedQuestion:
    at_least = read_at_least(question.at_least, runtime.keys, runtime.database.system_id, pointer)
    asked = question.to_question(caller, document, at_least, now=now)
    check_third_party(caller, asked.third_party)
    return asked
