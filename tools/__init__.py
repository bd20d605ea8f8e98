"""What developers run now and then: `make lock`, `make events`."""
