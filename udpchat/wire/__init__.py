"""Bytes to values and back. No state, no clock; the byte-level protocol is SPEC.md beside this file."""
