"""Requests up exactly once, logs down by feed and replica. Pure: knows neither what is said nor how it is sealed."""
