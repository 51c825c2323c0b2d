"""What `pulumi up` builds. Nothing here runs in the cluster."""
