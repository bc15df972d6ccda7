"""The parts of a configuration document that aren't rules or action types: what each key says, and how several files become one document."""
