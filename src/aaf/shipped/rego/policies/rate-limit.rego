package aaf.policies

decision = {
	"action": "deny",
	"reason": "Rate limit exceeded"
} {
	rate_limit_exceeded(input.agent_id)
}
