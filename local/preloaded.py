"""What every preview imports, a third of its work, loaded once by the process that forks the previews.

Nothing here may start a thread or open a channel: it would not survive the fork. An import that fails is left to the
preview itself, which can say so.
"""

import contextlib
import importlib
import pkgutil

from local.paths import CHECKOUT

_NAMES = ("local.__main__", "local.preview", "pulumi_oci", "pulumi_kubernetes")

for _name in (
    *_NAMES,
    *(module.name for module in pkgutil.walk_packages([str(CHECKOUT / "components")], "components.")),
):
    with contextlib.suppress(Exception):
        importlib.import_module(_name)

with contextlib.suppress(Exception):
    # Compiled here, a template is in the memory of every preview.
    _environment = importlib.import_module("components.manifests").environment
    for _name in _environment.list_templates(extensions=["j2"]):
        _environment.get_template(_name)
