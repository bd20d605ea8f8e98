"""What the emulators promise, held against AWS's own: `make fidelity`."""
