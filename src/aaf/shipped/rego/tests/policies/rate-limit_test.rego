# Tests of policies/rate-limit.rego. `facts` is what rate_limit_exceeded knows in these tests.
package aaf.policies.rate_limit_test

import data.aaf.policies.decision

facts := {"rate_limit_exceeded": {"hasty": true, "calm": false}}

test_whoever_is_over_the_rate_is_denied if {
	decision.action == "deny" with input as {"agent_id": "hasty"}
}

test_the_others_are_left_to_the_rest if {
	not decision with input as {"agent_id": "calm"}
}
