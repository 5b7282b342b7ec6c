"""The server's core: its peers, their requests and what it writes."""
