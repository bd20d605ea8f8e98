"""The parts of the load run: what is planned, who does it, what disturbs it, and whether the books agree in the end."""
