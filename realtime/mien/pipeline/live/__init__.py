"""The live runner: a thread for each stage, the newest frame wins, what is shown in each state."""
