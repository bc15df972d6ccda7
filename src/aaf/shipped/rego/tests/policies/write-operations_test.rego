# Tests of policies/write-operations.rego.
package aaf.policies.write_operations_test

import data.aaf.policies.decision

asked(operation, pre_approved) := {
	"tool": "http_proxy",
	"operation": operation,
	"params": {"url": "https://api.trusted.com/v1/orders"},
	"context": {"pre_approved": pre_approved}
}

test_every_write_is_held_as_of_high_risk if {
	every operation in ["POST", "PUT", "DELETE"] {
		decision == {
			"action": "require_approval",
			"risk_level": "high",
			"reason": "Write operations require approval"
		} with input as asked(operation, false)
	}
}

test_a_write_that_a_grant_covers_is_not_held if {
	not decision with input as asked("POST", true)
}

test_a_read_is_no_business_of_this_policy if {
	not decision with input as asked("GET", false)
}
