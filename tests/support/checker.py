"""What must be true after any run, whatever was killed in it: read from the ledger of rows and the server's own."""

from collections import Counter
from collections.abc import Iterable, Sequence

from digest.delivery.models import Delivery, DeliveryState
from tests.support.smtp import Accepted

TERMINAL = {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.UNKNOWN}


def check(
    rows: Sequence[Delivery],
    addresses: dict[int, str],
    accepted: Iterable[Accepted],
    *,
    doubles: int,
    withdrawn: Iterable[int] = (),
) -> Counter[str]:
    """Assert the invariants; how often each recipient was written to.

    `addresses` by subscriber id; `doubles`: how many second copies kills, freezes and lost replies can account for.
    """
    mails = list(accepted)
    copies = Counter(mail.recipient for mail in mails)
    stuck = [row.id for row in rows if row.state not in TERMINAL]
    assert not stuck, f"not at an end: {stuck}"
    for row in rows:
        address = addresses[row.subscriber_id or 0]
        assert copies[address] <= 2, "a third copy"
        if row.state is DeliveryState.SENT:
            assert copies[address] >= 1, f"{row.id} is sent but never arrived"
        if row.state in {DeliveryState.FAILED, DeliveryState.SKIPPED}:
            assert copies[address] == 0, f"{row.id} is {row.state.value} but arrived"
        if row.id in set(withdrawn):
            assert copies[address] == 0, f"{row.id} was withdrawn but arrived"
    second = sum(number - 1 for number in copies.values() if number > 1)
    assert second <= doubles, f"{second} second copies, {doubles} accounted for"
    for address, number in copies.items():
        if number > 1:
            bytes_ = {(mail.message_id, mail.sha256) for mail in mails if mail.recipient == address}
            assert len(bytes_) == 1, "copies of one delivery differ"
    assert "" not in copies or all(mail.recipient for mail in mails), "an empty mail"
    return copies
