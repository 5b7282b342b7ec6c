"""What it means to chat: who is here, what is said where, and the two cores that put it on the wire. Pure."""
