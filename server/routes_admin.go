package server

import "github.com/meanwhile-app/meanwhile/server/access"

// operating is for those who look after the installation as a whole.
func operating() access.Need { return access.Need{Names: access.Owner} }

// repairing is the same for what changes something.
func repairing() access.Need { return access.Need{Names: access.Owner, Write: true} }

// adminRoutes are about the installation as a whole.
func (s *Server) adminRoutes() []route {
	const failures = "/api/admin/failures"
	return []route{
		operation(operating(), "GET /api/admin/about", "read-about: Versions, and how the installation is", s.admin.ReadAbout),
		operation(operating(), "GET /api/admin/queues", "list-queues: What waits and what runs", s.admin.ListQueues),
		operation(operating(), "GET /api/admin/workers", "list-workers: The processes that do jobs", s.admin.ListWorkers),
		operation(operating(), "GET /api/admin/storage", "read-storage: What the installation holds", s.admin.ReadStorage),
		operation(operating(), "GET /api/admin/samples", "read-samples: How it went over time", s.admin.ReadSamples),
		operation(operating(), "GET /api/admin/missing", "list-missing: Videos whose media the store has lost, the last noticed first", s.admin.ListMissing),
		operation(operating(), "GET "+failures, "list-failures: Jobs that were given up, the newest first", s.admin.ListFailures),
		operation(repairing(), "POST "+failures+"/retry", "retry-failures: Try all of them again", s.admin.RetryFailures),
		operation(repairing(), "POST "+failures+"/{id}/retry", "retry-failure: Try one of them again", s.admin.RetryFailure),
	}
}
