"""What a person sees: draws events, sends commands. Imports chat and client only."""
