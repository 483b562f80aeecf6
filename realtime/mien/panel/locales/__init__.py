"""A catalogue a language, as gettext writes them."""
