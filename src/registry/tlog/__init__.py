"""Merkle tree arithmetic (RFC 6962). No I/O."""
