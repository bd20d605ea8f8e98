"""What prepares an environment, a lock or a layer."""
