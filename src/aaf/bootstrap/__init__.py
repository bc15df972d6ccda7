"""The only place that chooses adapters: settings in, a running product out.

Each adapter is imported inside the function that chooses it, so that embedded use pays for nothing that it doesn't use.
"""

from aaf.adapters.driving import drive
from aaf.adapters.inspection import Check
from aaf.bootstrap.connectors import Configured
from aaf.bootstrap.inspecting import check_folder, inspect, overlapping
from aaf.bootstrap.installation import ANCHORS, DATABASE, KEYS, SECRETS, sealed_secrets
from aaf.bootstrap.starting import CONFIGURATION, FIRST_ADMIN, FIRST_KEY, HOLD, SHIPPED, App, Part, build

__all__ = [
    "ANCHORS",
    "CONFIGURATION",
    "DATABASE",
    "FIRST_ADMIN",
    "FIRST_KEY",
    "HOLD",
    "KEYS",
    "SECRETS",
    "SHIPPED",
    "App",
    "Check",
    "Configured",
    "Part",
    "build",
    "check_folder",
    "drive",
    "inspect",
    "overlapping",
    "sealed_secrets",
]
