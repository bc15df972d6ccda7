"""Policy modules in Rego: an engine in worker processes that can be killed, and the two ways to wait for one."""
