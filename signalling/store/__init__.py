"""What the replicas of a matchmaker share: queues, leases, presence, words between them. In memory for one replica."""
