// Package cluster starts Meanwhile as it runs on many machines, on one: several
// servers and workers over a real PostgreSQL and a real S3 server, behind a proxy
// that spreads requests. Every process can be killed, stopped and started again,
// and every line between them can be harmed. It is for tests and measurements; the
// product knows nothing of it.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/cluster/toxic"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Options say what to start.
type Options struct {
	// Binary is Meanwhile.
	Binary string
	// Folder is where the processes keep what they need for themselves.
	Folder string
	// Name is that of the database and of the bucket: letters, digits and "-".
	Name    string
	Servers int
	Workers int
	// Slots is how many jobs each worker does at once.
	Slots int
	// Addr is where the proxy listens; port 0 takes a free one.
	Addr string
	// Plain has no lines to harm: everybody reaches the stores at one address, as
	// the policy of a page wants it that names where media comes from.
	Plain bool
	// Pool bounds the connections of each process to PostgreSQL; 0 is as many as
	// it takes by itself.
	Pool int
	// Env are further settings of all processes.
	Env []string
	// Echo gets what all processes write.
	Echo io.Writer
}

// Cluster is a running one.
type Cluster struct {
	Options

	Stores  *Stores
	Front   *Front
	Servers []*Node
	Workers []*Node
}

// Node is a server or a worker, with its lines to the stores.
type Node struct {
	*Process

	// Postgres and S3 are the only ways by which this node reaches them.
	Postgres, S3 *toxic.Proxy
	server       bool
	mu           sync.Mutex
	url          string
}

// drainTime is how long a process may take to end when it is asked to: longer than
// it takes itself, which is half a minute, as machines of tests are busy.
const drainTime = 2 * time.Minute

// New opens a cluster and starts every process.
func New(ctx context.Context, stores *Stores, o Options) (*Cluster, error) {
	c, err := Open(ctx, stores, o)
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Open makes the database and the bucket where they are missing, and opens the
// proxy. Nothing runs yet. Without stores it is one server that keeps everything
// in its folder, and does its media work itself.
func Open(ctx context.Context, stores *Stores, o Options) (*Cluster, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	front, err := OpenFront(ctx, o.Addr)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Options: o, Stores: stores, Front: front}
	if err := errors.Join(c.makeStores(ctx), c.makeNodes(ctx)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) makeStores(ctx context.Context) error {
	if c.Stores == nil {
		return nil
	}
	return c.Stores.Make(ctx, c.Name)
}

func (c *Cluster) makeNodes(ctx context.Context) error {
	slots := 0
	if c.Stores == nil {
		slots = max(1, c.Slots)
	}
	for i := range c.Options.Servers {
		node, err := c.makeNode(ctx, fmt.Sprintf("server-%d", i+1), "serve", "MEANWHILE_WORKERS="+strconv.Itoa(slots))
		if err != nil {
			return err
		}
		node.server = true
		c.Servers = append(c.Servers, node)
	}
	for i := range c.Options.Workers {
		node, err := c.makeNode(ctx, fmt.Sprintf("worker-%d", i+1), "worker", "MEANWHILE_WORKER_SLOTS="+strconv.Itoa(max(1, c.Slots)))
		if err != nil {
			return err
		}
		c.Workers = append(c.Workers, node)
	}
	return nil
}

func (c *Cluster) makeNode(ctx context.Context, name, command, slots string) (*Node, error) {
	node := &Node{}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "MEANWHILE_BASE_URL=" + c.Front.URL(), "MEANWHILE_TRUSTED_PROXIES=127.0.0.1",
		"MEANWHILE_ADDR=127.0.0.1:0", "MEANWHILE_DATA=" + filepath.Join(c.Folder, name), slots,
	}
	if c.Stores != nil {
		to, err := c.lines(ctx, node)
		if err != nil {
			return nil, err
		}
		env = append(env, to...)
	}
	node.Process = NewProcess(Program{Name: name, Path: c.Binary, Args: []string{command}, Env: append(env, c.Env...), Echo: c.Echo})
	return node, nil
}

// lines opens the lines of a node to the stores, and returns the settings that lead
// it there.
func (c *Cluster) lines(ctx context.Context, node *Node) ([]string, error) {
	postgres, s3 := c.Stores.Postgres.Addr(), c.Stores.Gateway.Addr()
	if c.Plain {
		return c.settings(postgres, s3), nil
	}
	var err error
	if node.Postgres, err = toxic.Listen(ctx, postgres); err != nil {
		return nil, err
	}
	if node.S3, err = toxic.Listen(ctx, s3); err != nil {
		return nil, errors.Join(err, node.Postgres.Close())
	}
	return c.settings(node.Postgres.Addr(), node.S3.Addr()), nil
}

func (c *Cluster) settings(postgres, s3 string) []string {
	settings := c.Stores.Settings(c.Name, postgres, s3)
	if c.Pool > 0 {
		settings = append(settings, "MEANWHILE_DATABASE_URL="+c.Stores.Postgres.URL(postgres, c.Name)+"&pool_max_conns="+strconv.Itoa(c.Pool))
	}
	return settings
}

// Nodes are all servers and workers.
func (c *Cluster) Nodes() []*Node {
	return append(append([]*Node(nil), c.Servers...), c.Workers...)
}

// Start starts every process that does not run, all at once, and waits until all do
// their work.
func (c *Cluster) Start(ctx context.Context) error {
	nodes := c.Nodes()
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() { errs[i] = node.Start(ctx) })
	}
	all.Wait()
	c.announce()
	return errors.Join(errs...)
}

// announce tells the proxy where the servers are.
func (c *Cluster) announce() {
	var urls []string
	for _, node := range c.Servers {
		urls = append(urls, node.URL())
	}
	c.Front.Serve(urls...)
}

// Restart starts a node that has ended, which then may listen elsewhere.
func (c *Cluster) Restart(ctx context.Context, node *Node) error {
	err := node.Start(ctx)
	c.announce()
	return err
}

// Start starts the process, unless it runs, and waits until it does its work.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	if !n.server {
		_, err := n.Line(ctx, n.begun(), `"msg":"working"`)
		return err
	}
	line, err := n.Line(ctx, n.begun(), `"msg":"listening"`)
	if err != nil {
		return err
	}
	var said struct{ Addr string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		return err
	}
	n.mu.Lock()
	n.url = "http://" + said.Addr
	n.mu.Unlock()
	return storestest.Until(ctx, bootTime, n.isReady)
}

// errNotReady says that a server is not ready yet.
var errNotReady = errors.New("is not ready")

func (n *Node) isReady(ctx context.Context) error {
	if Ready(ctx, n.URL()) {
		return nil
	}
	return fmt.Errorf("%s %w", n.Name, errNotReady)
}

// URL is where a server listens itself.
func (n *Node) URL() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.url
}

// token is what a fresh server prints for its owner.
var token = regexp.MustCompile(`/setup\?token=(\S+)`)

// SetupToken is the one-time token of a fresh cluster.
func (c *Cluster) SetupToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	line, err := c.Servers[0].Line(ctx, 0, "/setup?token=")
	if err != nil {
		return "", err
	}
	return token.FindStringSubmatch(line)[1], nil
}

// Heal takes all harm back, and wakes and starts whoever sleeps or is gone.
func (c *Cluster) Heal(ctx context.Context) error {
	for _, node := range c.Nodes() {
		node.Harm(toxic.Harm{}, toxic.Harm{})
		node.Wake()
	}
	return c.Start(ctx)
}

// Harm sets what is wrong with both lines of a node.
func (n *Node) Harm(postgres, s3 toxic.Harm) {
	if n.Postgres == nil {
		return
	}
	n.Postgres.Set(postgres)
	n.S3.Set(s3)
}

// Lay lays a trap on both lines of a node; nil takes it away.
func (n *Node) Lay(trap *toxic.Trap) {
	n.Postgres.Lay(trap)
	n.S3.Lay(trap)
}

// Close ends every process and the proxy. The database and the bucket stay for
// those who look at what is left; Drop removes them.
func (c *Cluster) Close() error {
	var errs []error
	for _, node := range c.Nodes() {
		node.Kill()
		if node.Postgres != nil {
			errs = append(errs, node.Postgres.Close(), node.S3.Close())
		}
	}
	return errors.Join(append(errs, c.Front.Close())...)
}

// Terminate asks every process to end, as a system's manager does, then closes.
func (c *Cluster) Terminate() error {
	nodes := c.Nodes()
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() { errs[i] = node.Terminate(drainTime) })
	}
	all.Wait()
	return errors.Join(errors.Join(errs...), c.Close())
}

// Log is what every process wrote last, for the report of a failed test.
func (c *Cluster) Log(lines int) string {
	var b strings.Builder
	for _, node := range c.Nodes() {
		log := node.Log()
		fmt.Fprintf(&b, "── %s\n%s\n", node.Name, strings.Join(log[max(0, len(log)-lines):], "\n"))
	}
	return b.String()
}
