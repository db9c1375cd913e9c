"""The event loop that sending runs in: uvloop where it is installed (`newsdigest[fast]`), asyncio's own elsewhere."""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """A fresh loop, for `asyncio.Runner(loop_factory=new_loop)`."""
    try:
        import uvloop  # noqa: PLC0415  # an optional extra
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
