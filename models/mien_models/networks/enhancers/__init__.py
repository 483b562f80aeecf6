"""What makes a swapped face clearer; one file each."""
