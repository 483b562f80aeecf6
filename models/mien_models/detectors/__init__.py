"""Networks that find faces; one file each."""
