"""The tables as SQLAlchemy Core sees them, for statements about many rows at once."""

from subscribers import models
from subscribers.types import metadata

SUBSCRIBER = metadata.tables[models.Subscriber.__tablename__]
REQUEST = metadata.tables[models.SignupRequest.__tablename__]
TOPIC = metadata.tables[models.Topic.__tablename__]
SUBSCRIPTION = metadata.tables[models.Subscription.__tablename__]
MUTE = metadata.tables[models.Mute.__tablename__]
WORDING = metadata.tables[models.Wording.__tablename__]
CONSENT = metadata.tables[models.Consent.__tablename__]
SUPPRESSION = metadata.tables[models.Suppression.__tablename__]
ALLOWANCE = metadata.tables[models.MailAllowance.__tablename__]
REASON = metadata.tables[models.UnsubscribeReason.__tablename__]
KEY_CHECK = metadata.tables[models.AddressKeyCheck.__tablename__]
