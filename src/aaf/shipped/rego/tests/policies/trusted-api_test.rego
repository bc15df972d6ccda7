# Tests of policies/trusted-api.rego: `aaf policy test` runs every rule that begins with test_.
package aaf.policies.trusted_api_test

import data.aaf.policies.decision

asked(operation, url) := {"tool": "http_proxy", "operation": operation, "params": {"url": url}}

test_a_read_of_the_listed_api_is_allowed if {
	decision.action == "allow" with input as asked("GET", "https://api.trusted.com/v1/orders")
}

test_a_host_that_begins_alike_is_not_it if {
	decision.action == "deny" with input as asked("GET", "https://api.trusted.com.evil.example/")
}

test_a_write_is_not_allowed_by_this_policy if {
	decision.action == "deny" with input as asked("POST", "https://api.trusted.com/v1/orders")
}
