"""The cameras of this machine: how to list, ask and open them."""
