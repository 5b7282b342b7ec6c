"""One secure association between two addresses: handshake, sealing, replay, path. Pure: no clock, no randomness."""
