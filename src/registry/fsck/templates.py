"""Checking templates: every published version against its sealed publication, drafts against themselves."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.domain.documents import utc_time
from registry.domain.template import TemplateContent, TemplateStatus, content_document, read_content
from registry.fsck.findings import Finding, Kind, Row, Spot
from registry.fsck.rows import TEMPLATE_TABLES, Batch
from registry.fsck.sealed import READING_ERRORS, open_document, read_publication
from registry.signing.keys import KeyRing
from registry.signing.records import SealType
from registry.storage.templates import content_columns

_PUBLICATION = "template-publication/1"
_RETIREMENT = "template-retirement/1"


@dataclass(frozen=True, slots=True)
class _Publication:
    """What a sealed publication says; `content` None where it cannot be read."""

    published_at: datetime
    content: TemplateContent | None


def check_templates(batch: Batch, keys: KeyRing) -> list[Finding]:
    """Check every template of a batch, its versions, publications and retirement."""
    found: list[Finding] = []
    by_template: dict[UUID, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for table, rows in batch.rows.items():
        for row in rows:
            by_template[row["template_id"]][table].append(row)
    for template_id in sorted(by_template):
        _check_template(template_id, by_template[template_id], keys, found)
    return found


def _check_template(
    template_id: UUID, rows: Mapping[str, Sequence[Row]], keys: KeyRing, found: list[Finding]
) -> None:
    stored = {table.name: rows.get(table.name, ()) for table in TEMPLATE_TABLES}
    publications = {
        row["version"]: _open_publication(row, keys, found) for row in stored["template_publications"]
    }
    retirements = [_open_retirement(row, keys, found) for row in stored["template_retirements"]]
    versions = {row["version"]: row for row in stored["template_versions"]}
    for version in _missing(versions, publications):
        Spot(found, "template_versions", f"{template_id}/{version}").note("", Kind.MISSING_ROW)
    contents = []
    for version, row in versions.items():
        if version < 1:
            _spot(found, "template_versions", row).note("", Kind.UNEXPECTED_ROW)
        if row["status"] == TemplateStatus.DRAFT and version not in publications:
            if not stored["templates"]:
                _spot(found, "template_versions", row).note("", Kind.UNEXPECTED_ROW)
            contents.append(_check_draft(row, found))
            continue
        publication = publications.get(version)
        if version not in publications:
            missing = f"{template_id}/{version}"
            Spot(found, "template_publications", missing).note("", Kind.MISSING_ROW)
        if publication is None:
            _spot(found, "template_versions", row).note("template_publications", Kind.UNVERIFIABLE)
            continue
        _check_published(row, publication, _standing(version, publications, retirements), found)
        contents.append(publication.content)
    retirement = Spot(found, "template_retirements", str(template_id))
    if retirements and not publications:
        retirement.note("", Kind.UNEXPECTED_ROW)
    if not retirements and any(row["status"] == TemplateStatus.RETIRED for row in versions.values()):
        retirement.note("", Kind.MISSING_ROW)
    _check_owner(template_id, stored["templates"], contents, found)


def _open_publication(row: Row, keys: KeyRing, found: list[Finding]) -> _Publication | None:
    spot = _spot(found, "template_publications", row)
    document = _open(row, keys, _PUBLICATION, spot)
    if document is None:
        return None
    try:
        said = {
            "template_id": UUID(document["template_id"]),
            "version": document["version"],
            "published_at": utc_time(document["published_at"]),
        }
    except READING_ERRORS:
        spot.note("sealed", Kind.UNREADABLE)
        return None
    spot.compare(row, said)
    return _Publication(utc_time(document["published_at"]), read_publication(document, spot))


def _open_retirement(row: Row, keys: KeyRing, found: list[Finding]) -> datetime | None:
    spot = Spot(found, "template_retirements", str(row["template_id"]))
    document = _open(row, keys, _RETIREMENT, spot)
    if document is None:
        return None
    try:
        said = {
            "template_id": UUID(document["template_id"]),
            "retired_at": utc_time(document["retired_at"]),
        }
    except READING_ERRORS:
        spot.note("sealed", Kind.UNREADABLE)
        return None
    spot.compare(row, said)
    return utc_time(document["retired_at"])


def _open(row: Row, keys: KeyRing, schema: str, spot: Spot) -> dict[str, Any] | None:
    document = open_document(row["sealed"], keys, SealType.TEMPLATE, "sealed", spot)
    if document is not None and document.get("schema") != schema:
        spot.note("sealed.schema", Kind.UNREADABLE)
        return None
    return document


def _missing(versions: Collection[int], publications: Collection[int]) -> list[int]:
    """Versions that must be there and are not: published ones, and the first of each gap in numbers."""
    missing = {version for version in publications if version not in versions}
    expected = 1
    for version in sorted(versions) or [0]:
        if version > expected or not versions:
            missing.add(expected)
        expected = max(expected, version + 1)
    return sorted(missing)


def _standing(
    version: int,
    publications: Mapping[int, _Publication | None],
    retirements: Sequence[datetime | None],
) -> dict[str, Any]:
    """The columns that follow from what was published after a version, and from the retirement.

    One that depends on a seal which cannot be read is left out: that seal's own row has been noted.
    """
    later = min((number for number in publications if number > version), default=None)
    successor = None if later is None else publications[later]
    columns: dict[str, Any] = {
        "status": (TemplateStatus.RETIRED if retirements else TemplateStatus.PUBLISHED).value,
        "is_current": later is None,
    }
    if later is None or successor is not None:
        columns["replaced_at"] = None if successor is None else successor.published_at
    if retirements:
        columns["updated_at"] = retirements[0]
    elif successor is not None:
        columns["updated_at"] = successor.published_at
    elif later is None and (own := publications[version]) is not None:
        columns["updated_at"] = own.published_at
    if columns.get("updated_at", 0) is None:
        del columns["updated_at"]
    return columns


def _check_published(
    row: Row, publication: _Publication, standing: Mapping[str, Any], found: list[Finding]
) -> None:
    spot = _spot(found, "template_versions", row)
    spot.compare(row, {**standing, "published_at": publication.published_at})
    if publication.content is None:
        spot.note("template_publications", Kind.UNVERIFIABLE)
        return
    spot.compare(row, content_columns(publication.content))


def _check_draft(row: Row, found: list[Finding]) -> TemplateContent | None:
    """A draft is no record and may change; it must be whole, and its columns those of its content."""
    spot = _spot(found, "template_versions", row)
    try:
        content = read_content(row["content"])
        columns = content_columns(content)
        document = content_document(content)
    except READING_ERRORS:
        spot.note("content", Kind.UNREADABLE)
        return None
    spot.compare(row, {**columns, "content": document})
    spot.compare(row, {"is_current": False, "published_at": None, "replaced_at": None})
    return content


def _check_owner(
    template_id: UUID,
    rows: Sequence[Row],
    contents: Sequence[TemplateContent | None],
    found: list[Finding],
) -> None:
    spot = Spot(found, "templates", str(template_id))
    if not rows:
        spot.note("", Kind.MISSING_ROW)
        return
    owners = {str(content.third_party.party) for content in contents if content is not None}
    if owners and owners != {rows[0]["third_party"]}:
        spot.note("third_party", Kind.COLUMN_MISMATCH)


def _spot(found: list[Finding], table: str, row: Row) -> Spot:
    return Spot(found, table, f"{row['template_id']}/{row['version']}")
