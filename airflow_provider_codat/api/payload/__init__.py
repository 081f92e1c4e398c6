"""What is sent: its types, its exact JSON, and what it is held against.

``types`` are for editors and type checkers; ``json_values`` and ``canonical`` make JSON
of what a DAG hands over, the same bytes each time. ``contract`` holds it against
``schemas/``, ``integration_model`` against what the software behind a connection wants
(``model_nodes``, ``model_limits``); ``check`` knows which of the two are wanted.
``redaction`` takes a payload's values out of Codat's words.
"""
