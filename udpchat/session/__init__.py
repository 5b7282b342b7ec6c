"""One secure association between two addresses: handshake, sealing, replay, path. Pure: time and randomness come in."""
