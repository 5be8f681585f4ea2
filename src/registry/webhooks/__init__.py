"""Webhooks on the wire: messages and their signatures, when to try again, where to go. No database."""
