"""What an integration can do with which data type, as Codat lists it."""

from collections.abc import Mapping
from typing import Literal

FeatureType = Literal["Get", "Post", "Put", "Delete"]
FeatureState = Literal["Release", "Beta", "NotSupported", "NotImplemented"]
Features = Mapping[str, Mapping[FeatureType, FeatureState]]

_READ_ONLY: Mapping[FeatureType, FeatureState] = {
    "Get": "Release",
    "Post": "NotSupported",
}
_OTHERS: Features = dict.fromkeys(("company", "invoices", "suppliers"), _READ_ONLY)
WRITTEN: Features = {
    "customers": {
        "Get": "Release",
        "Post": "Release",
        "Put": "Release",
        "Delete": "NotSupported",
    },
    **_OTHERS,
}
WRITTEN_IN_BETA: Features = {
    "customers": {"Get": "Release", "Post": "Beta", "Put": "Beta"},
    **_OTHERS,
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
