"""The people: who reads us, what they asked for, the proof of their consent, and whom we must not mail."""
