"""Files beside the store: exported packages and raw uploads."""
