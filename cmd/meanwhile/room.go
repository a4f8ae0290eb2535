package main

import (
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// The reserve below which no new upload begins: recordings that run, and the
// database, need the rest.
const (
	reserveShare = 20 // one part in twenty of the disk
	reserveMost  = 1 << 30
	retryRoom    = time.Minute
)

// room says whether the disk below folder has room for new uploads.
func room(folder string) func() error {
	return func() error {
		var fs unix.Statfs_t
		if err := unix.Statfs(folder, &fs); err != nil {
			return nil //nolint:nilerr // what cannot be measured is found out by writing
		}
		block := uint64(fs.Bsize)
		if free, reserve := fs.Bavail*block, min(fs.Blocks*block/reserveShare, reserveMost); free < reserve {
			return reply.New(http.StatusInsufficientStorage, "full",
				"The server has too little room left to begin something new. Recordings that run are kept; ask whoever runs it to make room.").After(retryRoom)
		}
		return nil
	}
}
