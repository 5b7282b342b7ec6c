"""The only room that touches sockets, files, the event loop and the clock."""
