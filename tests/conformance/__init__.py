"""The emulators checked against AWS's own DynamoDB Local: `make fidelity`."""
