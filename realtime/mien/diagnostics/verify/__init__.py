"""Whether a file carries the marks, and what they say."""
