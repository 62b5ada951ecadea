"""Films sent to the server: their queue, each one, the process that answers it, the folder they lie in."""
