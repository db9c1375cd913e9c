"""Mail: from rendered text to the bytes a relay never needs to touch. Pure, but for `transport`."""
