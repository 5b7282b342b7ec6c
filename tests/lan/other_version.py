"""A server of a later version of the protocol: `python -m tests.lan.other_version ...`, as `python -m udpchat ...`."""

from udpchat.wire import limits

limits.PROTOCOL_VERSION += 1  # before anything else imports it

if __name__ == "__main__":
    from udpchat.launch import main

    main()
