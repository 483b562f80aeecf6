"""Half precision, with islands of full precision where measured numbers ask for them."""
