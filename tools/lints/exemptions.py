"""Reviewed exemptions: (rule, file, function) and why. One that is not needed is a breach."""

_MONGO = "services/{}/adapters/mongo/{}.py"


def _tenant_first(
    service: str, module: str, functions: dict[str, str]
) -> dict[tuple[str, str, str], str]:
    path = _MONGO.format(service, module)
    return {("tenant-first", path, name): reason for name, reason in functions.items()}


EXEMPT: dict[tuple[str, str, str], str] = {
    ("log-content", "kit/kafka/consumer.py", "BatchProcessor.process"): "counts only",
    **_tenant_first(
        "executions",
        "housekeeping",
        {
            "HousekeepingRows.renew": "sweeper: the uploads of this process, of all tenants",
            "HousekeepingRows._found": "sweeper: what any process left behind",
            "HousekeepingRows.remove": "ranges of ids that start with the tenant or the upload",
        },
    ),
    **_tenant_first(
        "executions",
        "ledger",
        {"Ledger.present": "ingest: ids of chunks, made of random ids of uploads"},
    ),
    **_tenant_first(
        "executions",
        "runlooks",
        {"RunLooks._read": "revisions, hiding, query_of: each begins with the tenant"},
    ),
    **_tenant_first(
        "executions",
        "testexecutions",
        {"ExecutionWriter._insert": "insert-only ingest: ids that start with the tenant"},
    ),
    **_tenant_first(
        "executions",
        "uploads",
        {
            "UploadRepository.unstored": "age of the oldest waiting upload of all tenants",
            "UploadRepository.dropped": "ingest: random ids of uploads of all tenants",
            "UploadRepository.parked": "ingest: the random id of one upload",
        },
    ),
    **_tenant_first(
        "testcases",
        "missingwords",
        {"MissingWords.add": "once: the cases of all tenants that have no words yet"},
    ),
    **_tenant_first(
        "telemetry", "consent", {"MongoConsents.choices": "the id is the tenant's; a batch of them"}
    ),
    **_tenant_first(
        "telemetry", "handles", {"MongoHandles.tenants": "finds the tenants of random handles"}
    ),
    **_tenant_first(
        "telemetry", "sent", {"MongoSent.known": "keyed hashes of random ids, of all tenants"}
    ),
    **_tenant_first(
        "telemetry", "pseudonym_keys", {"MongoPseudonymKeys.check": "at start: any key opens"}
    ),
    **_tenant_first(
        "telemetry",
        "beamer",
        {
            "MongoBeamerQuota.take": "the circuit is the operator's, of no tenant",
            "MongoBeamerQuota.close_for": "the same",
            "MongoBeamerQuota._count": "requests of all tenants together",
        },
    ),
    **_tenant_first(
        "telemetry", "erasures", {"MongoErasures.due": "sweeper: what is due of all tenants"}
    ),
    **_tenant_first(
        "telemetry",
        "suppressions",
        {"MongoSuppressions._read_new": "what is new of all tenants, kept by tenant"},
    ),
    **_tenant_first(
        "tenancy",
        "changes",
        {
            "Changes._write": "the caller's id: it is the tenant, or starts with it",
            "Changes.update_unnoted": "upkeep by id: the tenant, or starting with it",
        },
    ),
    **_tenant_first(
        "tenancy", "client_key_index", {"client_key_index": "tenancy's own key, of no tenant"}
    ),
    **_tenant_first(
        "tenancy",
        "lives",
        {
            "MongoLives._several": "finds the tenants themselves, by an alias from Jira",
            "MongoLives.claim": "the id is a site's address: it says which tenant is there",
            "MongoLives._claimed": "the same",
        },
    ),
    **_tenant_first(
        "tenancy",
        "installs",
        {"MongoInstalls.by_client_keys": "finds the tenants themselves, by their installs"},
    ),
    **_tenant_first(
        "tenancy",
        "sealed_secrets",
        {
            "MongoSealedSecrets.counts": "the operator's count of secrets by wrapping key",
            "MongoSealedSecrets.batch": "the operator's job: the keys of all tenants' secrets",
            "MongoSealedSecrets.store": "the job: by the id of a document that it has read",
        },
    ),
    **_tenant_first(
        "tenancy",
        "memberships",
        {
            "MongoMemberships.due": "upkeep: the oldest of all tenants",
            "MongoMemberships.forget": "sweeper",
        },
    ),
    **_tenant_first(
        "tenancy", "signing_keys", {"MongoSigningKeys.all": "signing keys belong to no tenant"}
    ),
    **_tenant_first(
        "tenancy",
        "site_webhooks",
        {
            "MongoSiteWebhooks.due": "one process sees to the webhooks of all sites",
            "MongoSiteWebhooks.changed": "the same",
            "MongoSiteWebhooks.installed": "the same",
            "MongoSiteWebhooks.in_use": "the same",
            "MongoSiteWebhooks.rows": "the same",
        },
    ),
    **_tenant_first(
        "tenancy",
        "tenants",
        {
            "MongoTenants.all": "the operator's list of tenants",
            "MongoTenants._one": "finds the tenant itself, by id or by its install",
            "MongoTenants.wipe_replaced_secrets": "sweeper",
        },
    ),
    **_tenant_first(
        "tenancy",
        "facts",
        {
            "MongoFacts.readings": "polling: which tenants are due",
            "MongoFacts.touch": "the id is the tenant's",
        },
    ),
    **_tenant_first("tenancy", "tokens", {"MongoTokens.forget_expired_revocations": "sweeper"}),
}
