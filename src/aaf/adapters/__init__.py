"""One outside thing per file or folder. Only bootstrap chooses among them."""
