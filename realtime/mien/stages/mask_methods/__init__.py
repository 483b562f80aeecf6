"""What keeps things in front of a face; one file each."""
