"""What is permitted: catalogue, schemas, positioned YAML, the rule compiler and matcher. Pure."""
