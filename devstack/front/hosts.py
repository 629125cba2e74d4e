"""Names under which the vendor's API is reached, and where it begins there.

Source: behaviour.md section 1; ``api.adaptavist.io`` is the API's former name, which reporters of
that time still call.
"""

FORMER_HOST = "api.adaptavist.io"
FORMER_PREFIX = "/tm4j"
HOSTS = (
    "api.zephyrscale.smartbear.com",
    "eu.api.zephyrscale.smartbear.com",
    "au.api.zephyrscale.smartbear.com",
    "de.api.zephyrscale.smartbear.com",
    "prod-api.zephyr4jiracloud.com",
    FORMER_HOST,
)
