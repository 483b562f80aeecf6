"""The local log: which sessions there were on this computer, in lines that are chained by their hashes."""
