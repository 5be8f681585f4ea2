"""Other systems' wire formats, each a thin translation onto the registry's own operations."""
