"""What scales pods; what scales nodes is `cluster.autoscaler`."""

from dataclasses import dataclass

from components.settings.reading import Reader


@dataclass(frozen=True)
class AutoscalingSettings:
    """The `autoscaling` key of a stack file."""

    metrics_server: bool = False
    """Whether the CPU and memory of pods and nodes can be asked for (`kubectl top`)."""
    keda: bool = False
    """Whether fleets can scale by any metric."""


def read_autoscaling(reader: Reader) -> AutoscalingSettings:
    """Read the `autoscaling` key; without it nothing is installed."""
    settings = AutoscalingSettings(
        metrics_server=reader.has("metrics_server") and reader.flag("metrics_server"),
        keda=reader.has("keda") and reader.flag("keda"),
    )
    reader.close()
    return settings
