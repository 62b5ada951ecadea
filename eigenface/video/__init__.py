"""Films and live pictures: read, tracked, answered, drawn and written, in constant memory whatever their length."""
