"""The client's core: its link, its rooms, its requests, its replicas of the logs."""
