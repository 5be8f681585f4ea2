"""What projects each kind of sealed entries: from a subject's entries to the rows that queries see.

A new kind of subject, or a new table of one, is added here, and is then checked.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Table

from registry.domain.entries import Entry, SubjectKind
from registry.signing.keys import KeyRing
from registry.storage.approvals import approval_row
from registry.storage.request_states import request_row
from registry.storage.restrictions import restriction_row
from registry.storage.tables import approval_states, request_states, restriction_states

Rows: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table."""

PROJECTION_TABLES: tuple[Table, ...] = (request_states, restriction_states, approval_states)
"""The projections; the leading key of each is its subject's id.

A column `entry_count`, where there is one, tells how many entries there are, so that a lost last one shows.
"""


def _request(entries: Sequence[Entry], keys: KeyRing) -> Rows:
    return {request_states.name: [request_row(entries, keys)]}


def _restriction(entries: Sequence[Entry], keys: KeyRing) -> Rows:
    return {restriction_states.name: [restriction_row(entries, keys)]}


def _approval(entries: Sequence[Entry], keys: KeyRing) -> Rows:
    return {approval_states.name: [approval_row(entries, keys)]}


PROJECTIONS: Mapping[SubjectKind, Callable[[Sequence[Entry], KeyRing], Rows]] = {
    SubjectKind.REQUEST: _request,
    SubjectKind.RESTRICTION: _restriction,
    SubjectKind.APPROVAL: _approval,
}
"""From all entries of a subject, oldest first, to every row that projects it."""
