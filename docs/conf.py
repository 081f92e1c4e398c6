# noqa: INP001 - Sphinx reads it by its path
"""How the documentation becomes a site: `make docs`.

Needs no network, and neither do its pages: the theme uses the fonts that are there.
"""

import re
from typing import Any

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from airflow_provider_codat import __version__

project = "Airflow provider for Codat"
author = "the authors of airflow-provider-codat"
release = version = __version__
language = "en-GB"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.svgbob"]
exclude_patterns = ["conf.py"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"{project} {release}"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

# The links are those that work on GitHub, too: a heading's words are its anchor.
myst_heading_anchors = 4

# Named in docstrings, and explained nowhere else.
nitpick_ignore = [("py:func", "requested"), ("py:attr", "connection_id")]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# A parameter a line, with its default.
maximum_signature_line_length = 60
toc_object_entries_show_parents = "hide"


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is ours."""
    app.connect("autodoc-process-docstring", rewrite)
    app.connect("missing-reference", refer)


def rewrite(
    app: Sphinx,  # noqa: ARG001 - Sphinx's signature
    what: str,  # noqa: ARG001 - the same
    name: str,  # noqa: ARG001 - the same
    obj: object,  # noqa: ARG001 - the same
    options: object,  # noqa: ARG001 - the same
    lines: list[str],
) -> None:
    """Make of a docstring, which reads well as it is, what reST wants."""
    for number, line in enumerate(lines):
        # The rule's source is a field like the others.
        changed = re.sub(r"^Source: (?=http)", ":Source: ", line)
        changed = re.sub(r"``docs/([a-z-]+)\.md``", r":doc:`/\1`", changed)
        # A literal that begins a word, such as the plural of a name.
        lines[number] = re.sub(r"(``[^`]+``)(\w?)", ended, changed)


def ended(found: re.Match[str]) -> str:
    """Return a literal, parted from what goes on with it."""
    return f"{found[1]}\\ {found[2]}" if found[2] else found[1]


def refer(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, words: Element
) -> Element | None:
    """Find a class by its name alone, as `:raises` names it."""
    objects: dict[str, Any] = env.domains["py"].objects
    name = node.get("reftarget", "").rpartition(".")[2]
    # What is imported elsewhere stands there under two names, at one place.
    places = {
        (entry.docname, entry.node_id)
        for full, entry in objects.items()
        if full.rpartition(".")[2] == name
    }
    page = node.get("refdoc", app.config.root_doc)
    # Two of one name: the page's own is meant.
    places = {place for place in places if place[0] == page} or places
    if node.get("refdomain") != "py" or len(places) != 1:
        return None
    docname, anchor = places.pop()
    return make_refnode(app.builder, page, docname, anchor, words, name)
