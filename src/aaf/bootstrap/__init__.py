"""The only place that chooses adapters: settings in, a running product out.

Each adapter is imported inside the function that chooses it, so that embedded use pays for nothing that it doesn't use.
"""

from aaf.adapters.driving import drive
from aaf.adapters.inspection import Check
from aaf.bootstrap.connectors import Configured
from aaf.bootstrap.inspecting import check_folder, folder_files, inspect, overlapping
from aaf.bootstrap.installation import ANCHORS, DATABASE, KEYS, SECRETS, sealed_secrets
from aaf.bootstrap.placing import placed, placed_warnings
from aaf.bootstrap.starting import FIRST_ADMIN, FIRST_KEY, App, Part, build
from aaf.services.releases import SHIPPED
from aaf.services.watching import CONFIGURATION, HOLD

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
    "folder_files",
    "inspect",
    "overlapping",
    "placed",
    "placed_warnings",
    "sealed_secrets",
]
