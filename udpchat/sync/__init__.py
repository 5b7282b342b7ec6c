"""Requests up exactly once, logs down by subscription and replica. Pure: knows neither contents nor encryption."""
