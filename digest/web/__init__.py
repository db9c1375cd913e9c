"""The reader's web: sign up, confirm, choose, pause, mute, leave, read on. GET shows; only a POST changes anything."""
