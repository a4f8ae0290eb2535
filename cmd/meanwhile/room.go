package main

import (
	"net/http"
	"slices"
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

// room says whether the disks below these folders have room for new uploads.
func room(folders ...string) func() error {
	return func() error {
		if slices.ContainsFunc(folders, crowded) {
			return reply.New(http.StatusInsufficientStorage, "full",
				"The server has too little room left to begin something new. Recordings that run are kept; ask whoever runs it to make room.").After(retryRoom)
		}
		return nil
	}
}

// crowded says that the disk below folder has less left than the reserve.
func crowded(folder string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return false // what cannot be measured is found out by writing
	}
	block := uint64(fs.Bsize)
	return fs.Bavail*block < min(fs.Blocks*block/reserveShare, reserveMost)
}
