"""The page and the REST API: a thin Flask application over the library."""
