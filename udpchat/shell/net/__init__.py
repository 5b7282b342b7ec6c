"""The socket, the loop that drives a core, and finding a server."""
