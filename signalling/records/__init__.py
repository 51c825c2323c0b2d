"""What replicas count and keep together beside the queue: limits, tickets used, usage, audit log, webhooks to send."""
