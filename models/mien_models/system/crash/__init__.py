"""Where Mien itself fails: one sentence for the user, one file with the details, never a second failure."""
