"""Options that an import would take away stand in its way, and are named."""

from dataclasses import replace

from contracts.ids import public_id
from contracts.testcases import OptionType
from services.testcases.domain.options import Option, defaults_of
from services.testcases.usecases.transfer.forms import option_row
from services.testcases.usecases.transfer.unlike import differences

FRESH = defaults_of(5)
OWN = Option(public_id(5, 101), 5, OptionType.ENVIRONMENT, "Chrome", 1)
RENAMED = replace(FRESH[0], name="Other")


def test_what_a_new_project_or_the_archive_has_is_in_nobodys_way() -> None:
    archive = [option_row(o) for o in (RENAMED, *FRESH[1:-1], OWN)]
    assert differences(FRESH, FRESH, archive) == []
    assert differences([RENAMED, *FRESH[1:-1], replace(OWN, color="#123456")], FRESH, archive) == []


def test_what_would_be_lost_is_said() -> None:
    archive = [option_row(o) for o in (*FRESH, OWN)]
    other = replace(OWN, id=public_id(5, 102))
    mine = replace(OWN, id=public_id(5, 103), name="Mine")
    assert differences([RENAMED, *FRESH[1:-1], other, mine], FRESH, archive) == [
        "status 'Other', which the archive does not have",
        "environment 'Chrome' with another number (102) than in the archive (101)",
        "environment 'Mine', which the archive does not have",
        f"no priority '{FRESH[-1].name}', which the archive has",
    ]
