"""The accounting software behind the connections: invented models, true in shape."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from airflow_provider_codat.simulator.rules.bodies import BODIES
from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES
from airflow_provider_codat.simulator.rules.push_options import (
    Node,
    node,
    open_model,
    text,
)

FeatureType = Literal["Get", "Post", "Put", "Delete", "UploadAttachment"]
FeatureState = Literal["Release", "Beta", "NotSupported", "NotImplemented"]
Features = Mapping[str, Mapping[FeatureType, FeatureState]]

_READ_ONLY: Mapping[FeatureType, FeatureState] = {
    "Get": "Release",
    "Post": "NotSupported",
}
_OTHERS: Features = dict.fromkeys(("company", "invoices", "suppliers"), _READ_ONLY)


def _state(known: bool) -> FeatureState:
    return "Release" if known else "NotSupported"


_ALL: Features = {
    "company": _READ_ONLY,
    **{
        key: {
            "Get": _state(not row.above),
            "Post": "Release",
            "Put": _state(row.updates),
            "Delete": _state(row.deletes),
            "UploadAttachment": _state(bool(row.files)),
        }
        for key, row in DATA_TYPES.items()
    },
}
WRITTEN: Features = {
    **_ALL,
    "customers": {
        "Get": "Release",
        "Post": "Release",
        "Put": "Release",
        "Delete": "NotSupported",
    },
}
WRITTEN_IN_BETA: Features = {
    **_ALL,
    "customers": {"Get": "Release", "Post": "Beta", "Put": "Beta"},
}
ONLY_READ: Features = {
    "customers": {**_READ_ONLY, "Put": "NotImplemented"},
    **_OTHERS,
}
OF_A_SHOP: Features = {
    "commerce-customers": {"Get": "Release"},
    "commerce-orders": {"Get": "Release"},
}


def feature_list(features: Features, *, lower_case: bool) -> list[dict[str, object]]:
    """Return ``datatypeFeatures``.

    :param features: the state of each feature of each data type.
    :param lower_case: write ``datatype`` and the values in lower case: Codat's API
        description has it both ways.
    """
    name = "datatype" if lower_case else "dataType"
    spelled = str.lower if lower_case else str
    return [
        {
            name: data_type,
            "supportedFeatures": [
                {"featureType": spelled(kind), "featureState": spelled(state)}
                for kind, state in states.items()
            ],
        }
        for data_type, states in features.items()
    ]


OPEN_MODELS = {key: open_model(key, body) for key, body in BODIES.items()}
SOURCE_ID = "6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8bff"
_PHONE_TYPES = ("Primary", "Landline", "Mobile", "Fax", "Unknown")
_ADDRESS_TYPES = ("Unknown", "Billing", "Delivery")
_STATUSES = ("Unknown", "Active", "Archived")
_PLAIN = (
    "id",
    "customerName",
    "contactName",
    "emailAddress",
    "phone",
    "defaultCurrency",
    "registrationNumber",
    "taxNumber",
)


def _new_id(_customer: Mapping[str, object]) -> str:
    return str(uuid.uuid4())


def _own_id(customer: Mapping[str, object]) -> str:
    return str(customer.get("id") or uuid.uuid4().hex[:8]).upper()


@dataclass(frozen=True, slots=True)
class Integration:
    """One piece of software, mostly for accounting.

    :param key: its four letters at Codat.
    :param integration_id: its id at Codat.
    :param name: its name.
    :param models: its push options by data type.
    :param features: what it can do with which data type.
    :param lower_case_features: list the features in lower case.
    :param source_type: what kind of software it is.
    :param is_offline: whether it runs on a computer that may be switched off.
    :param record_id: invents the id of a new record from the customer sent.
    :param unique: properties that no two of its records of one data type may share.
    :param longest: the longest value of a property at the root, by data type and name.
    :param most_addresses: how many addresses it keeps; None: any number.
    :param names_change_early: a pending operation already says "Created", without id.
    """

    key: str
    integration_id: str
    name: str
    models: Mapping[str, Node]
    features: Features
    lower_case_features: bool = False
    source_type: Literal["Accounting", "Commerce"] = "Accounting"
    is_offline: bool = False
    record_id: Callable[[Mapping[str, object]], str] = _new_id
    unique: tuple[str, ...] = ()
    longest: Mapping[str, Mapping[str, int]] | None = None
    most_addresses: int | None = None
    names_change_early: bool = False

    def unique_in(self, body: Mapping[str, object]) -> str | None:
        """Return the property of a record that no other one may share, if any."""
        return next((name for name in self.unique if name in body), None)

    def view(self) -> dict[str, object]:
        """Return it as Codat shows it."""
        return {
            "key": self.key,
            "logoUrl": f"https://static.invalid/{self.key}.png",
            "name": self.name,
            "enabled": True,
            "sourceId": SOURCE_ID,
            "sourceType": self.source_type,
            "integrationId": self.integration_id,
            "isOfflineConnector": self.is_offline,
            "isBeta": False,
            "dataProvidedBy": self.name,
            "datatypeFeatures": feature_list(
                self.features, lower_case=self.lower_case_features
            ),
        }


def _address(**extra: Node) -> dict[str, Node]:
    lines = ("line1", "line2", "city", "region", "country", "postalCode")
    return {**{name: text(name) for name in lines}, **extra}


def _open_contact(address: dict[str, Node]) -> dict[str, Node]:
    phone = {
        "number": text("Number"),
        "type": text("Phone type", choices=_PHONE_TYPES),
    }
    return {
        "name": text("Name"),
        "email": text("E-mail"),
        "phone": node("Array", "Phone numbers", properties=phone),
        "address": node("Object", "Address", properties=address),
        "status": text("Contact status", choices=_STATUSES),
        "modifiedDate": node("DateTime", "Modified date"),
    }


def _open_model() -> Node:
    """List everything of the contract, require nothing."""
    address = _address(type=text("Address type", choices=_ADDRESS_TYPES))
    contact = _open_contact(address)
    metadata = {"isDeleted": node("Boolean", "Is deleted")}
    properties: dict[str, Node] = {
        **{name: text(name) for name in _PLAIN},
        "addresses": node("Array", "Addresses", properties=address),
        "contacts": node("Array", "Contacts", properties=contact),
        "status": text("Status", choices=_STATUSES),
        "metadata": node("Object", "Metadata", properties=metadata),
        "supplementalData": node("Object", "Supplemental data"),
        "modifiedDate": node("DateTime", "Modified date"),
        "sourceModifiedDate": node("DateTime", "Source modified date"),
    }
    return node("Object", "Customer", required=True, properties=properties)


_LEDGER_LENGTHS = {
    "id": 8,
    "customerName": 60,
    "contactName": 30,
    "emailAddress": 255,
    "phone": 30,
    "taxNumber": 20,
}


def _ledger_address() -> dict[str, Node]:
    country = node(
        "String",
        "Country code",
        required=True,
        warnings=("Two letters of ISO 3166.",),
        hints=("Write XX where the country is not known.",),
    )
    address = _address(
        line1=text("line1", required=True),
        countryCode=country,
        type=text("Address type", choices=("Delivery", "Unknown")),
    )
    del address["country"]
    return address


def _ledger_model() -> Node:
    """Ask for an id of the caller and for one address with a country code."""
    lengths = _LEDGER_LENGTHS
    account = node(
        "String",
        "Account reference",
        required=True,
        warnings=("Unique, without spaces.", "Max length of 8 characters."),
        hints=("Lower-case letters are turned into upper-case.",),
    )
    addresses = node(
        "Array",
        "Addresses",
        properties=_ledger_address(),
        warnings=("One address at most.",),
    )
    plain = ("contactName", "emailAddress", "phone", "taxNumber")
    properties: dict[str, Node] = {
        "id": account,
        "customerName": text("Name", required=True, longest=lengths["customerName"]),
        **{name: text(name, longest=lengths[name]) for name in plain},
        "defaultCurrency": text("Currency"),
        "status": text("Status", choices=("Active", "Archived")),
        "addresses": addresses,
    }
    return node("Object", "Customer", required=True, properties=properties)


def _cloud_model() -> Node:
    """Offer choices that differ from the contract's."""
    address = _address(
        line1=text("line1", longest=500),
        country=text("country", longest=50),
        type=text("Address type", required=True, choices=_ADDRESS_TYPES),
    )
    phone = {
        "number": text("Number"),
        "type": text("Phone type", required=True, choices=_PHONE_TYPES),
    }
    contact = {
        "name": text("Name", required=True),
        "email": text("E-mail"),
        "phone": node("Array", "Phone numbers", properties=phone),
        "status": text("Contact status", choices=("Active", "InActive")),
    }
    plain = ("contactName", "emailAddress", "phone", "taxNumber", "defaultCurrency")
    properties: dict[str, Node] = {
        "customerName": text("Name", required=True, longest=255),
        **{name: text(name) for name in plain},
        "registrationNumber": text("Registration number", longest=50),
        "status": text("Status", choices=("Active", "InActive")),
        "addresses": node("Array", "Addresses", properties=address),
        "contacts": node("Array", "Contacts", properties=contact),
    }
    return node("Object", "Customer", required=True, properties=properties)


LENIENT = Integration(
    key="mqjo",
    integration_id="6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b10",
    name="Local Sandbox",
    models={**OPEN_MODELS, "customers": _open_model()},
    features=WRITTEN,
)
STRICT = Integration(
    key="hbql",
    integration_id="6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b11",
    name="Local Ledger 50",
    models={**OPEN_MODELS, "customers": _ledger_model()},
    features=WRITTEN,
    lower_case_features=True,
    is_offline=True,
    record_id=_own_id,
    unique=("id",),
    longest={"customers": _LEDGER_LENGTHS},
    most_addresses=1,
)
OPTIONS = Integration(
    key="gbol",
    integration_id="6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b12",
    name="Local Cloud Books",
    models={**OPEN_MODELS, "customers": _cloud_model()},
    features=WRITTEN_IN_BETA,
    unique=(
        "customerName",
        *(row.unique for row in DATA_TYPES.values() if row.unique),
    ),
    longest={"customers": {"customerName": 255, "registrationNumber": 50}},
    names_change_early=True,
)
READ_ONLY = Integration(
    key="lrdr",
    integration_id="6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b13",
    name="Local Reader",
    models={},
    features=ONLY_READ,
)
SHOP = Integration(
    key="lshp",
    integration_id="6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b14",
    name="Local Shop",
    models={},
    features=OF_A_SHOP,
    source_type="Commerce",
)
INTEGRATIONS = {each.key: each for each in (LENIENT, STRICT, OPTIONS, READ_ONLY, SHOP)}
