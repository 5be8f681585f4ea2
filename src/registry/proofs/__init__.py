"""Checking bundles and receipts offline: nothing here knows of a database, a server or a network.

`registry verify` is built of this alone, and so can be any other verifier.
"""
