"""Where frames go; one file each, which says of itself what the program must know."""
