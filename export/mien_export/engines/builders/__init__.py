"""What builds engines: a file each."""
