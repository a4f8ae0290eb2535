package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// concern is what an attempt is about.
type concern string

const (
	// aboutFiles can only be kept by landlock, aboutCalls only by seccomp,
	// aboutNetwork by either, aboutLimits without both.
	aboutFiles   concern = "files"
	aboutCalls   concern = "calls"
	aboutNetwork concern = "network"
	aboutLimits  concern = "limits"
	// honest work must succeed, or the rest says nothing.
	honest concern = "work"
)

// target is what a decoder that was taken over would go for.
type target struct {
	// Secret can be read, Victim written and Folder listed by the server's user.
	Secret, Victim, Folder string
	// Input and Dir belong to the job.
	Input, Dir string
	// TCP and UDP are ports that listen on 127.0.0.1, Socket is a path, Abstract a
	// name that have a listener.
	TCP, UDP         int
	Socket, Abstract string
	// Server is the process that started this one, Open a descriptor of the secret
	// that it has left open.
	Server, Open int
}

// attempt is one thing that the stand-in tries; nil means that it got through.
type attempt struct {
	name  string
	about concern
	try   func(*target) error
}

// result is what became of an attempt.
type result struct {
	Name    string
	About   concern
	Through bool
	Error   string
}

// standIn behaves like a decoder that was taken over, and reports on standard
// output what it achieved. What it tries does no harm where it succeeds.
func standIn(args []string) int {
	var t target
	if len(args) < 2 || json.Unmarshal([]byte(args[1]), &t) != nil {
		return 1
	}
	var results []result
	for _, a := range attempts() {
		err := a.try(&t)
		r := result{Name: a.name, About: a.about, Through: err == nil}
		if err != nil {
			r.Error = err.Error()
		}
		results = append(results, r)
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func attempts() []attempt {
	all := append(work(), fileAttempts()...)
	all = append(all, networkAttempts()...)
	all = append(all, callAttempts()...)
	return append(all, limitAttempts()...)
}

// work is what every job does.
func work() []attempt {
	return []attempt{
		{"read the input", honest, func(t *target) error { return readable(t.Input) }},
		{"write and read in the job's folder", honest, func(t *target) error {
			path := t.Dir + "/made"
			if err := os.WriteFile(path, []byte("made"), 0o600); err != nil {
				return err
			}
			return readable(path)
		}},
		{"list the job's folder", honest, func(t *target) error { return listable(t.Dir) }},
	}
}

func fileAttempts() []attempt {
	opens := func(name string, flags int, path func(*target) string) attempt {
		return attempt{name, aboutFiles, func(t *target) error {
			f, err := os.OpenFile(path(t), flags, 0o600)
			if err == nil {
				f.Close()
			}
			return err
		}}
	}
	process := func(name string) func(*target) string {
		return func(t *target) string { return fmt.Sprintf("/proc/%d/%s", t.Server, name) }
	}
	return []attempt{
		{"read another file", aboutFiles, func(t *target) error { return readable(t.Secret) }},
		{"read another file by a way through the job's folder", aboutFiles, func(t *target) error { return readable(t.Dir + "/../" + base(t.Secret)) }},
		{"read the list of users", aboutFiles, func(*target) error { return readable("/etc/passwd") }},
		{"list another folder", aboutFiles, func(t *target) error { return listable(t.Folder) }},
		{"list the root folder", aboutFiles, func(*target) error { return listable("/") }},
		opens("write another file", os.O_WRONLY, func(t *target) string { return t.Victim }),
		opens("empty another file", os.O_WRONLY|os.O_TRUNC, func(t *target) string { return t.Victim }),
		opens("make a file elsewhere", os.O_WRONLY|os.O_CREATE, func(t *target) string { return t.Folder + "/planted" }),
		opens("change the input", os.O_RDWR, func(t *target) string { return t.Input }),
		opens("read the server's secrets", os.O_RDONLY, process("environ")),
		opens("write the server's memory", os.O_RDWR, process("mem")),
		opens("see what the server does", os.O_RDONLY, process("cmdline")),
	}
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Read(make([]byte, 1))
	return err
}

func listable(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	return err
}

func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// errHeld says that a limit is in place.
var errHeld = errors.New("held")
