"""What happens to a frame between a source and a sink; one file each."""
