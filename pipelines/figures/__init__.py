"""What `report` prints: rows of the table, from the models' files or trained again."""
