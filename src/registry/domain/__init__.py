"""The rules of mandates and consents. Pure: standard library only, no I/O, `now` is always an argument."""
