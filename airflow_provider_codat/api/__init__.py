"""All that this package knows of Codat. It imports with Airflow absent.

Here stand the types of a payload, for editors and type checkers, and the errors. From
the bottom up:

- ``models`` and ``data_types``: the nouns, and what can be written; ``errors``.
- ``connection``: what an Airflow connection says.
- ``payload``: what is sent, and what it is held against.
- ``http``: one exchange, and whether it is repeated.
- ``books``: reading back.
- ``create``, ``update``: one record. ``bulk``: many.
"""

from airflow_provider_codat.api.errors import (
    AlreadyExists,
    BatchFailed,
    BatchUnfinished,
    Busy,
    CodatError,
    CodatFaulted,
    ConnectionUnusable,
    IdempotencyConflict,
    JournalFailed,
    Malformed,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    PayloadChanged,
    PayloadInvalid,
    PaymentRequired,
    PushEnded,
    PushFailed,
    PushTimedOut,
    PushWarned,
    QuotaShort,
    RateLimited,
    RefreshFailed,
    Refused,
    SettingsInvalid,
    SourceChanged,
    StillInProgress,
    StillPending,
    Unreachable,
)
from airflow_provider_codat.api.models import Problem
from airflow_provider_codat.api.payload.types import (
    AccountingCustomer,
    Address,
    AddressType,
    Contact,
    CustomerStatus,
    Metadata,
    PhoneNumber,
    PhoneType,
    SupplementalData,
)

__all__ = [
    "AccountingCustomer",
    "Address",
    "AddressType",
    "AlreadyExists",
    "BatchFailed",
    "BatchUnfinished",
    "Busy",
    "CodatError",
    "CodatFaulted",
    "ConnectionUnusable",
    "Contact",
    "CustomerStatus",
    "IdempotencyConflict",
    "JournalFailed",
    "Malformed",
    "Metadata",
    "NotAuthorised",
    "NotFound",
    "OutcomeUnknown",
    "PayloadChanged",
    "PayloadInvalid",
    "PaymentRequired",
    "PhoneNumber",
    "PhoneType",
    "Problem",
    "PushEnded",
    "PushFailed",
    "PushTimedOut",
    "PushWarned",
    "QuotaShort",
    "RateLimited",
    "RefreshFailed",
    "Refused",
    "SettingsInvalid",
    "SourceChanged",
    "StillInProgress",
    "StillPending",
    "SupplementalData",
    "Unreachable",
]
