package server

// webhookRoutes are about the programs that the workspace tells of its events.
func (s *Server) webhookRoutes() []route {
	const hook = "/api/webhooks/{id}"
	return []route{
		operation(auditing(), "GET /api/webhooks", "list-webhooks: Addresses that are told of events", s.webhook.List),
		operation(administering(), "POST /api/webhooks", "create-webhook: Tell an address of events; its secret is shown this once", s.webhook.Create),
		operation(administering(), "PATCH "+hook, "change-webhook: Address, events, on or off", s.webhook.Change),
		operation(administering(), "DELETE "+hook, "delete-webhook: Tell an address nothing any more", s.webhook.Delete),
		operation(administering(), "POST "+hook+"/secret", "renew-webhook-secret: Make another secret; it is shown this once", s.webhook.RenewSecret),
		operation(administering(), "POST "+hook+"/test", "test-webhook: Send a message that is a test", s.webhook.SendTest),
		operation(auditing(), "GET "+hook+"/deliveries", "list-deliveries: The latest messages to a webhook", s.webhook.ListDeliveries),
		operation(administering(), "POST "+hook+"/deliveries/{event}", "send-again: Send a message once more", s.webhook.SendAgain),
	}
}
