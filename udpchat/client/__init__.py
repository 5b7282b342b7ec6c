"""The client's core: its link, its rooms, its requests, what it holds of the logs."""
