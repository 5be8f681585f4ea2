"""Canonical bytes, keys, sealed records, receipts and encryption. No database."""
