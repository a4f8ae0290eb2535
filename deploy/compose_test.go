package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// composition is what we read of docker-compose.yml.
type composition struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
	Volumes  map[string]any
	Networks map[string]any
}

type service struct {
	Image       string
	Build       any
	Restart     string
	Command     []string
	Entrypoint  []string
	Environment map[string]string
	Secrets     []string
	Volumes     []string
	Networks    any
	CapDrop     []string `yaml:"cap_drop"`
	Grace       string   `yaml:"stop_grace_period"`
	Healthcheck struct{ Test []string }
	DependsOn   any `yaml:"depends_on"`
	Deploy      struct {
		Resources struct {
			Limits struct{ CPUs, Memory string }
		}
	}
}

// compose reads the file as Docker does, with these variables set.
func compose(t *testing.T) composition {
	t.Helper()
	variables := map[string]string{"MEANWHILE_DOMAIN": "video.example.org", "MEANWHILE_PUBLIC_IP": "127.0.0.1"}
	text := regexp.MustCompile(`\$\$|\$\{(\w+)(:[-?])([^}]*)\}`).ReplaceAllStringFunc(read(t, "docker-compose.yml"), func(found string) string {
		if found == "$$" {
			return "$"
		}
		name, fallback, optional := strings.Cut(strings.Trim(found, "${}"), ":-")
		if value, ok := variables[name]; optional && !ok {
			return fallback
		} else if ok {
			return value
		}
		name, _, _ = strings.Cut(name, ":?")
		require.Contains(t, variables, name, "a variable that nobody sets")
		return variables[name]
	})
	var c composition
	require.NoError(t, yaml.Unmarshal([]byte(text), &c))
	return c
}

// ours are the services that run Meanwhile.
func (c composition) ours() map[string]service {
	found := map[string]service{}
	for name, s := range c.Services {
		if s.Build != nil {
			found[name] = s
		}
	}
	return found
}

// keys of a mapping, or the members of a list.
func keys(t *testing.T, listed any) []string {
	t.Helper()
	var all []string
	switch listed := listed.(type) {
	case nil:
	case []any:
		for _, one := range listed {
			all = append(all, fmt.Sprint(one))
		}
	case map[string]any:
		all = slices.Collect(maps.Keys(listed))
	default:
		require.FailNow(t, "neither a list nor a mapping", "%T", listed)
	}
	return all
}

func TestComposeHoldsTogether(t *testing.T) {
	t.Parallel()
	c := compose(t)
	require.Len(t, c.ours(), 3)
	for name, s := range c.Services {
		require.NotEmpty(t, s.Image, name)
		if s.Build == nil {
			require.Regexp(t, `:[0-9v][^:]+$`, s.Image, "%s: a version", name)
		}
		require.NotEmpty(t, s.Healthcheck.Test, "%s: a health check", name)
		require.NotEmpty(t, s.Restart, "%s: comes back", name)
		require.NotEmpty(t, s.Grace, "%s: time to end", name)
		require.NotEmpty(t, s.Deploy.Resources.Limits.Memory, "%s: bounds", name)
		require.NotEmpty(t, s.Deploy.Resources.Limits.CPUs, "%s: bounds", name)
		for _, secret := range s.Secrets {
			require.Contains(t, c.Secrets, secret, name)
		}
		for _, volume := range s.Volumes {
			if named, _, mounted := strings.Cut(volume, ":"); mounted && !strings.HasPrefix(named, ".") {
				require.Contains(t, c.Volumes, named, name)
			}
		}
		for _, network := range keys(t, s.Networks) {
			require.Contains(t, c.Networks, network, name)
		}
		for _, other := range keys(t, s.DependsOn) {
			require.Contains(t, c.Services, other, name)
		}
		for variable, value := range s.Environment {
			if path, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
				require.Contains(t, s.Secrets, path, "%s: %s", name, variable)
			}
		}
	}
	require.NotContains(t, keys(t, c.Services["worker"].Networks), "front", "what reads uploads reaches the stores alone")
}

// TestSecretsAreMade wants every secret that the file names, and none twice.
func TestSecretsAreMade(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "secrets")
	secrets := func() map[string]string {
		out, err := output(t, nil, "./make-secrets.sh", folder)
		require.NoError(t, err, out)
		made := map[string]string{}
		for name, secret := range compose(t).Secrets {
			require.Equal(t, "./secrets/"+name, secret.File)
			made[name] = read(t, filepath.Join(folder, name))
			require.GreaterOrEqual(t, len(made[name]), 20, name)
		}
		return made
	}
	first := secrets()
	require.Contains(t, first["database_url"], first["postgres_password"])
	require.Equal(t, first, secrets(), "what is there stays")
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}

// settings are the variables that a command of the binary knows.
func settings(t *testing.T, command string) []string {
	t.Helper()
	help, err := output(t, nil, clustertest.Binary(t), command, "--help")
	require.NoError(t, err, help)
	return regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)`).FindAllString(help, -1)
}

// requireKnown wants variables that a command knows, by themselves or as files.
func requireKnown(t *testing.T, command string, variables ...string) {
	t.Helper()
	known := settings(t, command)
	for _, name := range variables {
		base := name
		if !slices.Contains(known, "$"+name) {
			base = strings.TrimSuffix(name, "_FILE")
		}
		require.Contains(t, known, "$"+base, "%s knows no %s", command, name)
	}
}

func TestComposeSettingsAreKnown(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t).ours() {
		require.Contains(t, []string{"serve", "worker"}, s.Command[0], name)
		requireKnown(t, s.Command[0], slices.Collect(maps.Keys(s.Environment))...)
	}
}

// TestComposeRuns starts the very commands with their environments, on other ports
// and folders: the S3 server makes its bucket, servers and worker share a video.
func TestComposeRuns(t *testing.T) {
	t.Parallel()
	c, folder, ports := compose(t), t.TempDir(), freePorts(t, 4)
	database := clustertest.Name(t)
	postgres := all.Stores(t).Postgres
	require.NoError(t, postgres.Create(t.Context(), database, ""))
	t.Cleanup(func() { require.NoError(t, postgres.Drop(context.WithoutCancel(t.Context()), database)) })
	out, err := output(t, nil, "./make-secrets.sh", filepath.Join(folder, "secrets"))
	require.NoError(t, err, out)
	url := read(t, filepath.Join(folder, "secrets", "database_url"))
	require.True(t, strings.HasSuffix(url, "@postgres:5432/meanwhile?sslmode=disable"), url)
	write(t, filepath.Join(folder, "secrets", "database_url"), postgres.URL(postgres.Addr(), database))
	gateway, err := filepath.Abs("../.tools/versitygw")
	require.NoError(t, err)
	here := strings.NewReplacer("/run/secrets", filepath.Join(folder, "secrets"), "/app/versitygw", program(t, gateway, "versitygw"),
		"--port :7070", "--port 127.0.0.1:"+ports[0], "s3:7070", "127.0.0.1:"+ports[0], "127.0.0.1:7070", "127.0.0.1:"+ports[0], "/media/", folder+"/media/")

	s3 := c.Services["s3"]
	var args []string
	for _, arg := range s3.Entrypoint {
		args = append(args, here.Replace(arg))
	}
	run(t, cluster.Program{Name: "s3", Path: args[0], Args: args[1:], Env: []string{"PATH=" + os.Getenv("PATH")}})

	urls := map[string]string{}
	for i, name := range []string{"server1", "server2", "worker"} {
		addr := "127.0.0.1:" + ports[i+1]
		env := startService(t, name, addr, filepath.Join(folder, name), here)
		urls[name] = "http://" + addr
		if name == "server1" {
			add := exec.CommandContext(t.Context(), clustertest.Binary(t), "user", "add", "--email", "owner@example.org", "--name", "Olive Owner", "--role", "owner")
			add.Env, add.Stdin = env, strings.NewReader(ledger.Password+"\n")
			said, err := add.CombinedOutput()
			require.NoError(t, err, string(said))
		}
	}
	client := ledger.NewClient(urls["server1"])
	require.NoError(t, client.SignIn(t.Context()))
	clip, err := ledger.NewClip(t.Context(), 4)
	require.NoError(t, err)
	book := ledger.New(client)
	upload, err := book.Begin(t.Context(), "through one server", clip.Take())
	require.NoError(t, err)
	require.NoError(t, upload.Send(t.Context(), int64(len(upload.Content)/2)))
	client.Base = urls["server2"] // and on through the other
	require.NoError(t, upload.Finish(t.Context()))
	require.NoError(t, book.Settled(t.Context(), clip))
	requireSynchronous(t, filepath.Join(folder, "media", "buckets", "meanwhile", "v"))
	requireSynchronous(t, filepath.Join(folder, "media", "meta", "meanwhile"))
}

// requireSynchronous: F15, what is written below a folder is on the disk before the
// store, which never syncs, can say so. Some file systems cannot do that.
func requireSynchronous(t *testing.T, path string) {
	t.Helper()
	can := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "chattr", "+S", can).CombinedOutput(); err != nil {
		t.Logf("not looked at here: %v %s", err, out)
		return
	}
	said, err := output(t, nil, "lsattr", "-d", path)
	require.NoError(t, err, said)
	flags, _, _ := strings.Cut(said, " ")
	require.Contains(t, flags, "S", path)
}

// startService starts one of ours at an address, and waits until the container's
// own check finds it healthy.
func startService(t *testing.T, name, addr, data string, here *strings.Replacer) (env []string) {
	t.Helper()
	s := compose(t).Services[name]
	env = []string{"PATH=" + os.Getenv("PATH"), "MEANWHILE_DATA=" + data, "MEANWHILE_ADDR=" + addr} // as the image does
	for variable, value := range s.Environment {
		switch variable {
		case "MEANWHILE_ADDR", "MEANWHILE_WORKER_ADDR":
			value = addr
		case "MEANWHILE_WHIP_ADDR":
			value = "127.0.0.1:0"
		case "MEANWHILE_BASE_URL":
			value = "http://localhost"
		}
		env = append(env, variable+"="+here.Replace(value))
	}
	run(t, cluster.Program{Name: name, Path: clustertest.Binary(t), Args: s.Command, Env: env})
	check := s.Healthcheck.Test
	require.Equal(t, []string{"CMD", "meanwhile"}, check[:2])
	require.Eventually(t, func() bool {
		cmd := exec.CommandContext(t.Context(), clustertest.Binary(t), check[2:]...)
		cmd.Env = env
		return cmd.Run() == nil
	}, 2*soon, 10*tick, "%s is not healthy", name)
	return env
}
