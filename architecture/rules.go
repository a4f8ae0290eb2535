package architecture

// Module is the import path of this repository.
const Module = "github.com/meanwhile-app/meanwhile"

// The hard limits of the house. Targets are about a fifth of these.
const (
	maxFileLines      = 400
	maxTestFileLines  = 600
	maxFunctionLines  = 70
	maxParameters     = 5
	maxMethods        = 8
	maxPackageFiles   = 12
	maxComponentLines = 300
)

// mayImport says which of our folders a top-level folder may import. A folder
// may always import itself; one that is not listed here may import nothing of
// ours. "*" stands for everything but cmd.
var mayImport = map[string][]string{
	"storage":      {},
	"transcode":    {"storage"},
	"server":       {"storage", "transcode/container"},
	"frontend":     {},
	"architecture": {},
	"cmd":          {"*"},
	"bench":        {"*"},
	"cluster":      {"*"},
	"deploy":       {"*"}, // tests alone: they start what these files say
}

// shared are the packages their neighbours may import; every other package is
// out of bounds for the packages beside it.
var shared = map[string]bool{
	"bench/figure":        true,
	"cluster":             true,
	"server/reply":        true,
	"server/auth":         true,
	"server/access":       true,
	"server/limit":        true, // guesses are counted where they are looked at
	"server/shield":       true,
	"server/notify":       true, // letters are made where their records are known
	"storage/clocks":      true, // whoever says when says by whose clock
	"storage/database":    true,
	"storage/record":      true,
	"storage/people":      true,
	"storage/jobs":        true,
	"storage/webhook":     true, // events are noted where they happen
	"storage/trace":       true, // whatever takes time says so
	"transcode/ffmpeg":    true,
	"transcode/container": true,
	"transcode/source":    true,
}

// home binds a library, or a part of the standard library, to the folders that
// may import it.
type home struct {
	library string
	folders []string
}

// homes lists the heavy libraries and the dangerous doors. Tests are free of
// it, save for the heavy ones, because whatever a test links must be compiled.
var homes = []home{
	{"github.com/aws/aws-sdk-go-v2", []string{"storage/objects"}},
	{"github.com/aws/smithy-go", []string{"storage/objects"}},
	{"modernc.org/sqlite", []string{"storage/database"}},
	{"github.com/jackc/pgx", []string{"storage/database"}},
	{"github.com/riverqueue/river", []string{"storage/jobs"}},
	{"go.opentelemetry.io/otel", []string{"storage/trace", "cmd/meanwhile/telemetry"}},
	{"github.com/uptrace/bun", []string{"storage"}},
	{"github.com/pressly/goose", []string{"storage/database"}},
	{"database/sql", []string{"storage"}},
	{"github.com/u2takey/ffmpeg-go", []string{"transcode/ffmpeg"}},
	{"github.com/gin-gonic/gin", []string{"server", "bench/gate"}},
	{"github.com/pion", []string{"server/whip", "bench/whip"}}, // the bench is the other end of the line
	{"github.com/wneessen/go-mail", []string{"server/notify"}},
	{"github.com/standard-webhooks", []string{"server/webhook"}},
	{"os/exec", []string{"transcode/ffmpeg", "bench", "cluster"}},
}

// emptyNames say nothing about what a package holds or does.
var emptyNames = map[string]bool{
	"util": true, "utils": true, "common": true, "helper": true, "helpers": true,
	"model": true, "models": true, "manager": true, "managers": true,
	"service": true, "services": true, "misc": true, "base": true, "lib": true, "shared": true,
}

// mayStartContexts are the folders where a context may begin: the entry points.
var mayStartContexts = map[string]bool{"cmd": true, "bench": true, "cluster": true}

// mayReadEnvironment are the folders that may read environment variables.
var mayReadEnvironment = map[string]bool{"cmd": true, "bench": true, "cluster": true}

// skipped folders hold nothing written by hand.
var skipped = map[string]bool{
	"node_modules": true, "dist": true, "bin": true, "testdata": true, "vendor": true,
	"test-results": true, "playwright-report": true,
}

// startsTheProduct are the folders that start the built binary, for tests and
// measurements.
var startsTheProduct = map[string]bool{"cluster": true, "bench": true, "deploy": true}
