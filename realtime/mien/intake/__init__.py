"""How sources are addressed, paced, watched and brought back; what several sources share."""
