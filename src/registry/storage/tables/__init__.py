"""Every table, declared once, a module for each matter. Migrations create them; a test holds the two equal.

Record tables are immutable, by grants and triggers: they hold ids, times, commitments and ciphertext, nothing
personal. Projections can be rebuilt from them. Everything else is a setting, a queue, or can be erased.
"""

from registry.storage.tables.approvals import approval_states
from registry.storage.tables.clients import (
    assertions_seen,
    clients,
    idempotency_keys,
)
from registry.storage.tables.deliveries import statutory_deliveries
from registry.storage.tables.entries import sealed_entries
from registry.storage.tables.feed import feed_events, feed_heads, outbox, outbox_set_aside
from registry.storage.tables.log import log_checkpoints, log_entries, log_queue, log_tiles
from registry.storage.tables.mandates import (
    mandate_endings,
    mandate_events,
    mandate_evidence,
    mandate_records,
    mandate_states,
    representations,
)
from registry.storage.tables.metadata import metadata
from registry.storage.tables.privacy import (
    access_log,
    access_log_persons,
    erasable_secrets,
)
from registry.storage.tables.requests import request_states
from registry.storage.tables.restrictions import restriction_states
from registry.storage.tables.templates import (
    template_publications,
    template_retirements,
    template_versions,
    templates,
)
from registry.storage.tables.third_party_keys import third_party_keys
from registry.storage.tables.timers import mandate_timers, open_uses
from registry.storage.tables.webhooks import (
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
    webhook_paces,
)

RECORD_TABLES = (
    "templates",
    "template_publications",
    "template_retirements",
    "mandate_records",
    "mandate_evidence",
    "mandate_events",
    "mandate_endings",
    "sealed_entries",
    "access_log",
    "access_log_persons",
    "log_entries",
    "log_checkpoints",
)
"""Tables whose rows never change and never go."""

PARTITIONED_TABLES = ("mandate_events", "access_log", "access_log_persons")
"""Record tables partitioned by month."""

__all__ = [
    "PARTITIONED_TABLES",
    "RECORD_TABLES",
    "access_log",
    "access_log_persons",
    "approval_states",
    "assertions_seen",
    "clients",
    "erasable_secrets",
    "feed_events",
    "feed_heads",
    "idempotency_keys",
    "log_checkpoints",
    "log_entries",
    "log_queue",
    "log_tiles",
    "mandate_endings",
    "mandate_events",
    "mandate_evidence",
    "mandate_records",
    "mandate_states",
    "mandate_timers",
    "metadata",
    "open_uses",
    "outbox",
    "outbox_set_aside",
    "representations",
    "request_states",
    "restriction_states",
    "sealed_entries",
    "statutory_deliveries",
    "template_publications",
    "template_retirements",
    "template_versions",
    "templates",
    "third_party_keys",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_paces",
]
