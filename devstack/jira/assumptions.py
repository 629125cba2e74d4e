"""Behaviour without a confirming source, and where the stand-in is laxer than the real thing."""

ASSUMPTIONS: tuple[tuple[str, str], ...] = (
    ("hook-timeout", "assumed: an install that is not answered within the limit (3 s) fails"),
    ("install-callback", "assumed: until `installed` is answered, only earlier secrets are valid"),
    ("disabled-calls", "assumed: calls of a disabled app get 401, as those of an uninstalled one"),
    ("401-wording", "assumed: body of a refused token; status and WWW-Authenticate scheme only"),
    ("scopes-flat", "assumed: scopes do not nest, so that a forgotten one shows"),
    ("licence-scope", "assumed: reading the app's own licence needs no scope"),
    ("foreign-addon", "assumed: another app's key answers 404"),
    ("closed-account", "assumed: a closed account is `active: false`, named 'Former user'"),
    (
        "permission-others",
        "assumed: an app may check other users' permissions unless policy says no",
    ),
    ("unknown-permission", "assumed: an unknown permission key is a 400"),
    ("app-permissions", "assumed: the app user holds every permission in projects it may see"),
    ("former-project-key", "assumed: a project is found under its earlier keys"),
    ("group-scopes", "assumed: reading groups of a user and roles needs READ, group/bulk ADMIN"),
    ("user-search", "assumed: matches beginnings of the words of a name, active accounts only"),
    ("unknown-host", "assumed: a host that is no site of the stand-in answers 404"),
    ("suspended", "assumed: a suspended site answers 503 with an HTML page"),
    ("acting-admin", "assumed: install and uninstall bodies name the acting admin (accountId)"),
    ("kid-form", "assumed: key ids are UUIDs"),
    ("liberty-descriptor", "laxer: the descriptor may be fetched over http and from any port"),
    ("liberty-base-url", "laxer: site and app base URLs may be http with a port, on loopback"),
    ("liberty-one-origin", "laxer: key servers and control share the site's origin, by path"),
    ("liberty-forgery", "a forged call never changes the stand-in's own state, even if accepted"),
)
