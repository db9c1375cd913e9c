"""What is due when, for whom, and what stands in it."""
