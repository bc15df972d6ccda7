"""One module for each kind of operand that is more than a plain value: what is wrong with it as written, and what it asks of a value."""
