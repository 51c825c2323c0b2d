"""What the cluster needs beside the program's own workloads: Helm charts, each of which can be left out."""
