"""The Forge side of the host: invocation tokens, event calls, the gateway to a site's REST API."""
