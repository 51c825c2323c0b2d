"""Everything that stands in for the cloud on one Linux machine: tools, cluster, images and a simulated OCI."""
