"""The only way of a swapped picture to anything that can be seen outside: the label, then the invisible mark."""
