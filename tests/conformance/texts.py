"""What a refusal must say, so that it is refused for its own cause and not for another one."""

import re
from collections.abc import Mapping

_MISSING = "does not exist"
SAYS: Mapping[str, str] = {
    "bdd-not-gherkin": "Gherkin",
    "body-field-invalid": "must|is not valid",
    "body-field-type": "must be",
    "body-folder-unknown": f"folder.* {_MISSING}",
    "body-id-unknown": f"Test case with id .*{_MISSING}",
    "body-key-differs": "key in the body",
    "body-not-json": "not valid JSON",
    "body-project-differs": "project",
    "cf-foreign": "custom field with the name 'Foreign'",
    "cf-not-all-present": "Custom field '.*' is required",
    "cf-required-absent": "Custom field '.*' is required",
    "cf-required-empty": "Custom field 'Text' is required, not empty",
    "cf-required-missing": "Custom field 'Text' is required",
    "cf-required-multi-empty": "Custom field 'Many' is required, not empty",
    "cf-unknown-name": "custom field with the name 'Nothing'",
    "cf-unknown-option": "'Pick' has no option",
    "cf-wrong-type": "'Number' must be of type number",
    "cycle-link-duplicate": "linked to test cycle .* already",
    "env-name-duplicate": "name '.*' is already used",
    "environment-missing": f"environment .*{_MISSING}",
    "environment-name-unknown": "environment with the name",
    "execution-immutable": "newer execution",
    "file-over-limit": "larger than",
    "filter-folder-unknown": f"folder .*{_MISSING}",
    "folder-other-project": "folder.* another project",
    "folder-type-mismatch": "folder.* (should be|is not) of type",
    "index-invalid": "index must",
    "issue-link-duplicate": "linked to (this )?Jira issue.* already",
    "jira-entity-missing": "Jira|version",
    "label-blank": "blank label",
    "label-has-space": "label .* spaces",
    "labels-over-50": "50 labels",
    "mode-invalid": "mode",
    "name-empty": "name must",
    "no-attachments": "no attachments",
    "no-default-status": "no default test cycle status",
    "no-permission": "permission",
    "not-found-or-no-access": _MISSING,
    "path-param-invalid": "must (match|not)|Id must",
    "path-param-not-number": "must be an integer",
    "priority-id-unknown": "priority with the id",
    "priority-missing": f"priority .*{_MISSING}",
    "priority-name-unknown": "priority with the name",
    "project-disabled": _MISSING,
    "project-no-access": "project",
    "project-unknown": "Project with key NOPE",
    "query-param-invalid": "must be (greater|less)",
    "query-param-not-number": "must be an integer",
    "script-is-steps": "step-by-step",
    "script-is-text": "plain",
    "status-id-unknown": "status with (the )?id",
    "status-missing": f"status .*{_MISSING}",
    "status-name-unknown": "status with the name",
    "step-circular": "call itself",
    "step-malformed": "either inline or testCase",
    "step-missing": f"step .*{_MISSING}",
    "step-target-missing": "called by a step",
    "steps-count": "items",
    "steps-mismatch": "steps?, but",
    "test-data-unsupported": "test data",
    "testcase-missing": f"Test case .*{_MISSING}",
    "testcase-or-script-missing": f"Test case .*{_MISSING}",
    "testcycle-missing": f"Test cycle .*{_MISSING}",
    "testexecution-missing": f"Test execution .*{_MISSING}",
    "testplan-missing": f"Test plan .*{_MISSING}",
    "weblink-duplicate": "linked to this web page",
    "weblink-duplicate-url": "linked to the URL",
}
"""Every cause of the facts but those of 401, and a pattern of the text, in any case."""


def is_about(cause: str, message: str) -> bool:
    """Whether a message is about a cause; a status without one may say anything."""
    if cause.removeprefix("default ").isdigit():
        return bool(message)
    return re.search(SAYS[cause], message, re.IGNORECASE) is not None
