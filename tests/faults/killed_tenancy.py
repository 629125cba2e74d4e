"""tenancy, killed with -9 at one step: ``python -m tests.faults.killed_tenancy POINT ROLE``."""

import sys

from kit.service import Role, run
from services.tenancy.main import INDEXES, SERVICE, build
from services.tenancy.settings import TenancySettings
from tests.faults.killed import arm

if __name__ == "__main__":
    arm(sys.argv[1])
    run(SERVICE, TenancySettings, build, INDEXES)(Role(sys.argv[2]))
