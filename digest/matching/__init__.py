"""What belongs to whom, why, and which of it is shown."""
