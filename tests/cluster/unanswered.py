"""What no expression can be answered from in the tests, and why: by metric name."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "DCGM_FI_DEV_GPU_UTIL": "needs a GPU",
    "DCGM_FI_DEV_ENC_UTIL": "needs a GPU",
    "DCGM_FI_DEV_FB_USED": "needs a GPU",
    "DCGM_FI_DEV_GPU_TEMP": "needs a GPU",
    "DCGM_FI_DEV_XID_ERRORS": "needs a GPU",
    "pixel_schedule_in_force": "the stack has no schedule",
}

WITHOUT_AUTOSCALER: Mapping[str, str] = {"pixel_turn_nodes_wanted": "needs a TURN pool that grows"}
"""Not to be had in the local stack, where nothing makes nodes."""

WITHOUT_CLUSTER: Mapping[str, str] = {
    "container_cpu_usage_seconds_total": "needs the kubelet of a cluster",
    "container_memory_working_set_bytes": "needs the kubelet of a cluster",
    "container_network_transmit_bytes_total": "needs the kubelet of a cluster",
    "kube_pod_labels": "needs pods with containers",
    "kube_pod_status_phase": "needs pods with containers",
    "kube_pod_container_status_restarts_total": "needs pods with containers",
    "pixel:gpu_nodes:count": "needs nodes",
    "pixel:gpus_paid:price_per_hour": "needs nodes",
    "certmanager_certificate_expiration_timestamp_seconds": "needs a certificate",
    "certmanager_certificate_ready_status": "needs a certificate",
}
"""Not to be had where the programs run as processes, and no kubelet runs them; the local stack has it all."""
