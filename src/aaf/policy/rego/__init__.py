"""Policy modules in Rego: what is checked before one is published, the input that it is judged on, and what its answers mean.

The engine isn't here: reading text into a syntax tree is the protocol `parsing.Parser`, and evaluation is the port `PolicyEngine`.
"""
