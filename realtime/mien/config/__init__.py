"""What the user wants: settings, their fields and choices, where files lie."""
