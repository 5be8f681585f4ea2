"""The demo: templates, test persons and mandates, an e-ID issuer that anybody can use, and their loader."""
