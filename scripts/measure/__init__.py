"""What scripts/bench measures, a module for each part. Real server processes, real sockets; ratios within one run."""
