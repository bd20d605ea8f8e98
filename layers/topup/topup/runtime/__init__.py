"""What a function runs on: its settings and secrets, AWS clients, logs and metrics."""
