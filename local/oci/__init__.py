"""A simulated Oracle Cloud: a Pulumi provider plugin that keeps what it is given and refuses what the cloud refuses."""
