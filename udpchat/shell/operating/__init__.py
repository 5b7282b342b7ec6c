"""The operator's commands: over the socket of a running server, or in one process where none runs (SPEC 6.12)."""
