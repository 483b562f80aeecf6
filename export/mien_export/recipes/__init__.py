"""How each set of weights came to be, as programs that can be run again."""
