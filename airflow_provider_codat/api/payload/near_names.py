"""Which property somebody may have meant: near names, and what others call the same."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache

_LONGEST_NAME = 60
_CLOSE = 0.75
_NO_LETTER = re.compile(r"[^a-z0-9]+")

# What other software calls it: the properties' own names, the likeliest first.
_CALLED: dict[tuple[str, ...], str] = {
    ("emailAddress", "email"): "email mail emailadress mailaddress",
    ("customerName", "supplierName", "name"): (
        "name company companyname businessname organisation organization fullname"
    ),
    ("customerName",): "customer client clientname account accountname debtor",
    ("supplierName",): "supplier vendor vendorname creditor",
    ("contactName", "name"): "contact contactperson primarycontact",
    ("taxNumber",): "vat vatnumber vatno vatid taxid taxno ein abn gst gstnumber tin",
    ("registrationNumber",): "companynumber companyno companyid regno crn",
    ("phone", "number"): "tel telephone phonenumber phoneno mobile cell mobilephone",
    ("postalCode",): "zip zipcode postcode postal plz",
    ("line1",): "street address address1 addressline1 streetaddress",
    ("line2",): "address2 addressline2 suite apartment",
    ("city",): "town locality place",
    ("region",): "state province county",
    ("country",): "countrycode",
    ("defaultCurrency", "currency"): "currency currencycode ccy",
    ("issueDate", "date"): "date invoicedate billdate documentdate issued issuedon",
    ("dueDate",): "due dueon payby",
    ("invoiceNumber", "billNumber"): "invoiceno invoiceid number no documentnumber",
    ("totalAmount", "amount"): "amount total gross grandtotal totalprice",
    ("subTotal", "subtotal"): "net netamount nettotal",
    ("totalTaxAmount", "taxAmount"): "tax taxtotal vatamount",
    ("amountDue",): "balance outstanding open openamount",
    ("quantity",): "qty units",
    ("unitAmount", "unitPrice"): "price unitprice rate",
    ("note", "memo"): "notes memo comment comments remark remarks",
    ("description",): "desc text details",
    ("reference",): "ref",
}
_MEANT = {alias: names for names, called in _CALLED.items() for alias in called.split()}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one of some names that is likely to be meant; empty for none.

    :param known: names of properties, or paths that end in one, such as
        ``addresses[0].line1``; the first of equals is returned.
    """
    return _nearest(name[:_LONGEST_NAME], tuple(known))


@lru_cache(1024)
def _nearest(name: str, known: Sequence[str]) -> str:
    return next(_likely(_plain(name), known), "")


def _likely(spelt: str, known: Sequence[str]) -> Iterator[str]:
    """Yield what may be meant, the likeliest first."""
    if not spelt:
        return
    whole = {_plain(each): each for each in reversed(known)}
    last = {_plain(each.rpartition(".")[2]): each for each in reversed(known)}
    same = [(names, spelt) for names in (whole, last)]
    same += [(last, _plain(meant)) for meant in _MEANT.get(spelt, ())]
    found = [names[name] for names, name in same if name in names]
    # Of the record itself rather than of what it holds.
    yield from sorted(found, key=lambda path: path.count("."))
    for names in (whole, last):
        for near in get_close_matches(spelt, names, n=1, cutoff=_CLOSE):
            yield names[near]


def _plain(name: str) -> str:
    """Return a name without what only tells one spelling from another."""
    return _NO_LETTER.sub("", re.sub(r"\[\d+\]", "", name).lower())
