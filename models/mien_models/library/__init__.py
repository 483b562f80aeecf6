"""The user's own folder of models: what is added to it is looked at, tried and kept whole."""
