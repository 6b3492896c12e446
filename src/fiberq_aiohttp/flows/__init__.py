"""Use cases: gather, decide, apply. Nothing here knows of HTTP, so the command line uses the same."""
