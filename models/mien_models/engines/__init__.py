"""How a network is run: on which provider, with what proof that it is the one, and what happens when it is not."""
