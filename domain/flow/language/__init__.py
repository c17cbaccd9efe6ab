"""The expression language of flows: Jinja's expressions over JSON data, bounded and without side effects."""
