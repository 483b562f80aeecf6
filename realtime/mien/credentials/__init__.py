"""Content Credentials (C2PA): every picture or video with a swapped face says so, signed, in its own file."""
