"""Programs of this project on networks of this machine's own kernel, healthy and broken."""
