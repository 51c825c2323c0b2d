"""What buffers promise and cost: queueing theory, from arrival rates, times and a service level."""
