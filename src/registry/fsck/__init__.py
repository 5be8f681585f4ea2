"""`registry fsck`: recompute all from the stored bytes, name every mismatch, rebuild the projection."""

from registry.fsck.check import check_database
from registry.fsck.describe import describe
from registry.fsck.findings import Finding, Kind, Progress, Rebuilt, Report
from registry.fsck.rebuild import rebuild_projection

__all__ = [
    "Finding",
    "Kind",
    "Progress",
    "Rebuilt",
    "Report",
    "check_database",
    "describe",
    "rebuild_projection",
]
