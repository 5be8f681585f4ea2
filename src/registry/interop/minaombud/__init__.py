"""Mina ombud's client-facing API, version 2, so that its existing clients work against this registry.

Nothing is decided here: requests are read, asked of the operations that `/v1` asks, and shown in the other
system's words and signatures. `docs/guides/mina-ombud.md` says what differs from the national service.
"""
