"""udpchat: a chat for a LAN over one UDP socket. Start reading at wire/SPEC.md."""

__version__ = "0.1.0"
