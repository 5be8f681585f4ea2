"""What the registry does: one file is one act, one act is one transaction."""
