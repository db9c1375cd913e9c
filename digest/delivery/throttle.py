"""How much may be under way: a window per provider that grows with acceptance and halves when asked to, and one rate.

Additive increase, multiplicative decrease; three requests in a row to slow down pause the provider. Pure: the clock is
handed in, and what should outlive the process is returned as a value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FIRST_WINDOW: Final = 2
GROWS_AFTER: Final = 100
PAUSES_AFTER: Final = 3
FIRST_PAUSE: Final = 15 * 60.0
LONGEST_PAUSE: Final = 60 * 60.0


@dataclass(slots=True)
class Window:
    """One provider: room for how many connections, and until when (clock seconds) it wants none.

    A connection that is busy has two mails: the one on the wire and the next, ready behind it.
    """

    size: int = FIRST_WINDOW
    flying: int = 0
    accepted: int = 0
    complaints: int = 0
    paused_until: float = 0.0
    next_pause: float = FIRST_PAUSE

    def may_send(self, at: float) -> bool:
        """Whether one more may go."""
        return self.flying < 2 * self.size and at >= self.paused_until

    def accept(self, largest: int) -> bool:
        """A mail was taken: after every hundred, one more may fly. True when the window grew."""
        self.complaints = 0
        self.accepted += 1
        if self.accepted % GROWS_AFTER or self.size >= largest:
            return False
        self.size += 1
        self.next_pause = FIRST_PAUSE
        return True

    def slow_down(self, at: float) -> bool:
        """The provider asked for less; True when that was once too often and it is paused."""
        self.size = max(1, self.size // 2)
        self.complaints += 1
        if self.complaints < PAUSES_AFTER:
            return False
        self.complaints = 0
        self.paused_until = at + self.next_pause
        self.next_pause = min(LONGEST_PAUSE, self.next_pause * 2)
        return True


class Rate:
    """A token bucket: at most `per_second` mails, a second's worth at once; 0 = no limit."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self.not_before = 0.0
        """Clock second before which nothing goes: the other workers do not share with this one yet."""
        self._tokens = max(1.0, per_second)
        self._filled_at: float | None = None

    def wait(self, at: float) -> float:
        """Seconds until the next mail may go."""
        if not self.per_second:
            return 0.0
        if self._filled_at is not None:
            grown = self._tokens + (at - self._filled_at) * self.per_second
            self._tokens = min(max(1.0, self.per_second), grown)
        self._filled_at = at
        return max(0.0, self.not_before - at, (1.0 - self._tokens) / self.per_second)

    def take(self) -> None:
        """One mail goes."""
        self._tokens -= 1.0


class Throttle:
    """The windows of all providers and the common rate of one worker."""

    def __init__(self, *, largest: int, per_second: float = 0.0, first: int = FIRST_WINDOW) -> None:
        self.rate = Rate(per_second)
        self._largest = largest
        self._first = min(first, largest)
        self._windows: dict[str, Window] = {}

    def window(self, provider: str) -> Window:
        """The window of a provider, made at first sight."""
        found = self._windows.get(provider)
        if found is None:
            found = self._windows[provider] = Window(self._first)
        return found

    def may_send(self, provider: str, *, at: float) -> bool:
        """Whether a provider has room for one more."""
        return self.window(provider).may_send(at)

    def took_off(self, provider: str) -> None:
        """A mail is under way."""
        self.window(provider).flying += 1
        self.rate.take()

    def landed(self, provider: str) -> None:
        """A mail is no longer under way."""
        self.window(provider).flying -= 1

    def accepted(self, provider: str) -> bool:
        """A mail was taken; True when there is room for one more than before."""
        return self.window(provider).accept(self._largest)

    def slow_down(self, provider: str, *, at: float) -> bool:
        """A provider asked for less; True when it is paused from now on."""
        return self.window(provider).slow_down(at)

    def pause(self, provider: str, *, until: float) -> None:
        """Another worker was told that a provider wants nothing until then."""
        window = self.window(provider)
        window.paused_until = max(window.paused_until, until)

    def paused(self, *, at: float) -> Iterator[tuple[str, float]]:
        """Providers that want nothing now, with the clock second when that ends."""
        for provider, window in list(self._windows.items()):
            if window.paused_until > at:
                yield provider, window.paused_until
