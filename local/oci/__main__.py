"""``python -m local.oci``: the provider plugin as a process."""

import sys

from local.oci.simulation import Simulation
from local.plugin import serve
from local.provider import ProviderError

if __name__ == "__main__":
    try:
        simulation = Simulation()
    except ProviderError as error:
        sys.exit(str(error))
    serve(simulation)
