"""Every table of both packages, registered in one metadata."""

import digest.delivery.models
import digest.editions.models
import digest.feeds.models
import digest.matching.models
import subscribers.models
from subscribers.types import metadata

__all__ = ["digest", "metadata", "subscribers"]
