"""What places landmarks on a face; one file each."""
