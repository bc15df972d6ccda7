package aaf.policies

decision = {
	"action": "require_approval",
	"risk_level": "high",
	"reason": "Write operations require approval"
} {
	input.operation in ["POST", "PUT", "DELETE"]
	not input.context.pre_approved
}
