"""What happens to money, sessions and events. No I/O; time and random numbers are arguments."""
