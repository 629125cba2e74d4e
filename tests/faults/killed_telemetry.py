"""telemetry, killed with -9 at one step: ``python -m tests.faults.killed_telemetry POINT ROLE``."""

import sys

from kit.service import Role, run
from services.telemetry.main import INDEXES, SERVICE, build
from services.telemetry.settings import TelemetrySettings
from tests.faults.killed import arm

if __name__ == "__main__":
    arm(sys.argv[1])
    run(SERVICE, TelemetrySettings, build, INDEXES)(Role(sys.argv[2]))
