"""Where both ends meet: the only room of the simulator that knows the driver, by its public names alone."""
