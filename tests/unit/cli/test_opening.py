"""What services write into their log."""

import pytest
import structlog

from digest.cli import opening
from digest.settings import Settings


@pytest.mark.parametrize(
    ("settings", "is_told"), [(Settings(), True), (Settings(log_level="warning"), False)]
)
def test_a_service_logs_the_end_of_the_chain_unless_told_otherwise(
    settings: Settings, capsys: pytest.CaptureFixture[str], *, is_told: bool
) -> None:
    opening.configure_logging(settings.log_level)
    opening.keep_log(settings)
    structlog.get_logger("digest.stages").info("consent_head", head="3fa9")
    assert ("3fa9" in capsys.readouterr().err) is is_told
