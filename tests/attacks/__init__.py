"""What a hostile member, host, watcher or server tried, and what it costs the others: nothing."""
