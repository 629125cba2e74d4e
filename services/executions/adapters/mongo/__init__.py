"""MongoDB repositories. The tenant is first in every filter; exemptions say why."""
