"""Word lists written for this project: stop words, corrections of lemmas, and names that end in s."""
