"""The stores of the server and of the client: a protocol for each, implemented on SQLite."""
