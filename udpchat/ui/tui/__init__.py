"""The full-screen client, on Textual. Imported only where the full screen is started: line mode does without it."""
