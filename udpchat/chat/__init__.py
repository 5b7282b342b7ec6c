"""What server/ and client/ share: names, ids, events, exit codes and safe text. Pure: no I/O, no clock."""
