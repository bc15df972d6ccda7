"""What is true: values, transitions, canonical bytes and proofs, as pure computation on the standard library."""
