"""Measures, examines and explains; nothing of it runs while a session does."""
