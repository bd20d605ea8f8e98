"""The layers, the environments and the lock: for `sam build`, the Makefile and `make lock`."""
