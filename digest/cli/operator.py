"""Who types the commands, for the record of what was done."""

import getpass


def login() -> str:
    """The login name on this machine; `operator` where it has none, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
