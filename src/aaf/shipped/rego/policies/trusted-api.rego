# METADATA
# title: Reads from the trusted API
# custom:
#   tools: [http_proxy]
#   dialect: v0
package aaf.policies

default decision = {"action": "deny", "reason": "No matching allow rule"}

# Explicitly allow specific operations
decision = {"action": "allow"} {
	input.tool == "http_proxy"
	input.operation == "GET"
	allowed_domains[input.params.url]
}

allowed_domains[url] {
	url := input.params.url
	startswith(url, "https://api.trusted.com/")
}
