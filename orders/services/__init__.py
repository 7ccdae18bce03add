"""What is done with orders and with the devices allocated to them, by use case."""
