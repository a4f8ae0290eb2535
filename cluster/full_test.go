package cluster_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
)

// small mounts a small disk; the returned function takes away what fills it and makes
// room.
func small(t *testing.T, folder string) (room func()) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o700))
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=96m"); err != nil {
		t.Skip("no right to mount a disk:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	ballast := filepath.Join(folder, "ballast")
	return func() { require.NoError(t, os.Remove(ballast)) }
}

// fill takes all the room that is left.
func fill(t *testing.T, folder string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "ballast"))
	require.NoError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 64<<10))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}

// TestFullScratch (F10): the only worker has no room for what it makes. Recording
// and playing go on; when there is room again the renditions are made, and nobody
// starts anything anew.
func TestFullScratch(t *testing.T) {
	t.Parallel()
	all.open(t)
	folder := t.TempDir()
	disk := filepath.Join(folder, "worker-1")
	room := small(t, disk)
	r := start(t, all.stores, cluster.Options{Servers: 1, Workers: 1, Slots: 1, Folder: folder})
	fill(t, disk)
	mark := r.Workers[0].Mark()
	u := r.record(t, 3, func(int) {})
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	_, err := r.Workers[0].Line(ctx, mark, "waits for scratch space")
	require.NoError(t, err, "the log has the reason")
	require.NoError(t, u.Kept(t.Context()))
	require.NoError(t, u.Plays(t.Context(), clipSeconds), "the recording itself plays")
	<-time.After(outage) // more than one attempt fails
	room()
	r.settled(t)
}
