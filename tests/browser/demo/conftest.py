from tests.unit.demo.conftest import browser, mailbox

__all__ = ["browser", "mailbox"]
