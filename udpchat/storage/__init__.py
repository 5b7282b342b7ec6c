"""The durable log, the server's and the client's alike: one protocol, an implementation in memory and one on SQLite."""
