"""A registry of mandates and consents: templates, immutable signed mandates, verification."""
