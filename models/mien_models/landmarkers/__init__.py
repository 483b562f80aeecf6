"""Networks that place the landmarks of a found face; one file each."""
