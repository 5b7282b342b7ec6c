"""The server's core: who is here, what is carried out, what is written."""
