"""Content Credentials: signed statements in the files that Mien writes."""
