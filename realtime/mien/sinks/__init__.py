"""Where frames go; one file each."""
