"""What Airflow is told of this package; every Airflow command imports it.

The connection's form stands here alone: Airflow 3.2 and later read it from here, and
the hook's form methods, which earlier versions call, read it from here too.
"""

from typing import Any

_SECONDS = {"type": ["number", "null"], "minimum": 0, "maximum": 86400}
_TEXT = {"type": ["string", "null"]}

_FORM = {
    "hidden-fields": ["login"],
    "relabeling": {
        "host": "Base URL",
        "password": "API key",
        "schema": "URL schema",
    },
    "placeholders": {
        "host": "https://api.codat.io",
        "password": "the API key, or the authorization header, from Codat's Portal",
        "schema": "https",
        # Airflow 3.3.1 and 3.3.2 answer "Bad Request" where it is left empty.
        "port": "443 (Airflow 3.3 tests no connection without it)",
    },
}

_EXTRAS = {
    "auth_format": {
        "label": "Form of the API key",
        "description": "auto tells the raw key, the pre-encoded key and the whole "
        "header apart; the others overrule it",
        "schema": {
            "type": ["string", "null"],
            "enum": ["auto", "raw", "encoded", "header"],
        },
    },
    "connect_timeout_seconds": {
        "label": "Connect timeout (seconds)",
        "description": "For a connection to be made. Default: 10",
        "schema": _SECONDS,
    },
    "read_timeout_seconds": {
        "label": "Read timeout (seconds)",
        "description": "For a whole answer to arrive. Default: 30",
        "schema": _SECONDS,
    },
    "retry_budget_seconds": {
        "label": "Retry budget (seconds)",
        "description": "How long one call may go on repeating and waiting before the "
        "task's own retries take over. Default: 120",
        "schema": _SECONDS,
    },
    "request_lifetime_seconds": {
        "label": "Request lifetime (seconds)",
        "description": "After which a request that nobody answered is sure to act no "
        "more; before that, no lost create is looked for. Default: 600",
        "schema": _SECONDS,
    },
    "requests_per_minute": {
        "label": "Requests per minute",
        "description": "How many requests any 60 seconds may hold: of each task, or, "
        "with pool slots or a shared pace, of all. Codat allows 1,000 per address. "
        "Default: 900",
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
    "max_concurrency": {
        "label": "Requests at a time",
        "description": "How many requests of one task there may be at a time. Codat "
        "allows 10 for one company. Default: 10",
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
    "pool_slots": {
        "label": "Slots of the pool",
        "description": "How many slots the Airflow pool has in which all tasks with "
        "this connection run: each task then takes its share of the requests",
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
    "shared_pace_url": {
        "label": "Redis for a shared pace",
        "description": "redis:// or rediss:// URL of the Redis by which all workers "
        "and triggerers share the requests",
        "schema": {**_TEXT, "format": "password"},
    },
    "max_response_bytes": {
        "label": "Longest answer (bytes)",
        "description": "How long an answer may be that is read, unpacked. Default: "
        "67108864 (64 MiB)",
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
    "client_certificate_path": {
        "label": "Client certificate",
        "description": "Path of a PEM file on the workers, for API mTLS",
        "schema": _TEXT,
    },
    "client_key_path": {
        "label": "Client certificate's key",
        "description": "Path of a PEM file on the workers, unless the certificate's "
        "file holds it",
        "schema": _TEXT,
    },
    "client_id": {
        "label": "Codat client ID",
        "description": "A UUID, sent as x-codat-client, for API mTLS",
        "schema": _TEXT,
    },
    "verify": {
        "label": "Verify TLS",
        "description": "true, false, or the path of a file of certificate authorities. "
        "Default: true",
        "schema": _TEXT,
    },
    "webhook_signing_secrets": {
        "label": "Webhook signing secrets",
        "description": "whsec_..., from the endpoint's page in Codat's Portal: Airflow "
        "then takes Codat's events at /codat/webhooks/<connection id>. Several, with "
        "blanks between them, while one replaces another",
        "schema": {**_TEXT, "format": "password"},
    },
    "headers": {
        "label": "More headers",
        "description": "A JSON object of headers to send with every request",
        "schema": {"type": ["object", "null"]},
    },
    "portal_url_template": {
        "label": "Portal link",
        "description": "Where the link on a task leads. Default: "
        "https://app.codat.io/companies/{company_id}/summary",
        "schema": _TEXT,
    },
    "allow_insecure_http": {
        "label": "Allow plain http",
        "description": "For a simulator on another machine; never for Codat itself",
        "schema": {"type": ["boolean", "null"]},
    },
}

_JOURNAL_CONN_ID = {
    "description": "Airflow connection of the database that tasks keep their journal "
    "in: Postgres, MySQL, MariaDB or SQLite. Empty: Airflow's own task state store, "
    "which there is from Airflow 3.3 on.",
    "version_added": "0.1",
    "type": "string",
    "example": "codat_journal",
    "default": "",
}

# Airflow 3 and, as dataset-uris, 2.
_ASSETS = {
    "schemes": ["codat"],
    "handler": "airflow_provider_codat.assets.sanitize_uri",
    "to_openlineage_converter": "airflow_provider_codat.assets.to_openlineage",
}


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow's ``provider_info.schema.json`` asks for."""
    return {
        "package-name": "airflow-provider-codat",
        "name": "Codat",
        "description": "`Codat <https://www.codat.io>`__: write customers, invoices, "
        "payments and more into a company's accounting software, none of them twice.",
        "integrations": [
            {
                "integration-name": "Codat",
                "external-doc-url": "https://docs.codat.io/",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {
                "integration-name": "Codat",
                "python-modules": ["airflow_provider_codat.hooks.codat"],
            }
        ],
        "operators": [
            {
                "integration-name": "Codat",
                "python-modules": ["airflow_provider_codat.operators.codat"],
            }
        ],
        "transfers": [
            {
                "source-integration-name": "Common SQL",
                "target-integration-name": "Codat",
                "python-module": "airflow_provider_codat.transfers.sql_to_codat",
            }
        ],
        "sensors": [
            {
                "integration-name": "Codat",
                "python-modules": ["airflow_provider_codat.sensors.codat"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Codat",
                "python-modules": ["airflow_provider_codat.triggers.codat"],
            }
        ],
        "task-decorators": [
            {
                "name": "codat_customer",
                "class-name": "airflow_provider_codat.decorators.codat"
                ".codat_customer_task",
            },
            {
                "name": "codat_record",
                "class-name": "airflow_provider_codat.decorators.codat"
                ".codat_record_task",
            },
        ],
        "asset-uris": [_ASSETS],
        "dataset-uris": [_ASSETS],
        "extra-links": [
            "airflow_provider_codat.links.codat.CodatPushOperationLink",
            "airflow_provider_codat.links.codat.CodatReportLink",
        ],
        "connection-types": [
            {
                "connection-type": "codat",
                "hook-class-name": "airflow_provider_codat.hooks.codat.CodatHook",
                "hook-name": "Codat",
                "ui-field-behaviour": _FORM,
                "conn-fields": _EXTRAS,
            }
        ],
        "config": {
            "codat": {
                "description": "What holds for all tasks that write into Codat.",
                "options": {"journal_conn_id": _JOURNAL_CONN_ID},
            }
        },
    }
