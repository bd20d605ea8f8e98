"""What happens to money, sessions and events. No I/O, no clock and no chance of its own."""
