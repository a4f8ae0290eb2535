package backup_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/backup"
	"github.com/meanwhile-app/meanwhile/storage/database"
)

// place is an installation without a server: records and objects.
type place struct {
	*testing.T
	db      *database.DB
	folder  string
	objects string
}

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{T: t, folder: t.TempDir()}
	p.objects = filepath.Join(p.folder, "objects")
	require.NoError(t, os.MkdirAll(filepath.Join(p.objects, "tmp"), 0o700))
	p.db = openDatabase(t, p.database())
	require.NoError(t, p.db.Migrate(t.Context(), slog.New(slog.DiscardHandler)))
	p.exec("INSERT INTO instance (id, grant_key, created_at) VALUES (1, 'the key of before', ?)", time.Now())
	p.exec("INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('ada', 'ada@example.com', 'Ada', '', ?)", time.Now())
	return p
}

func openDatabase(t *testing.T, path string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (p place) database() string { return filepath.Join(p.folder, "meanwhile.db") }

func (p place) source() backup.Source {
	return backup.Source{DB: p.db, Objects: p.objects, Version: "test"}
}

func (p place) exec(query string, args ...any) {
	p.Helper()
	require.NoError(p, p.db.Write(p.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}))
}

// video makes one of two parts, a rendition and a picture: object first, as the server does.
func (p place) video(id string) {
	p.Helper()
	p.object(id+"/parts/0", id+" one")
	p.object(id+"/parts/1", id+" two!")
	p.object(id+"/720/0", id+" rendition")
	p.object(id+"/poster", id+" picture")
	p.exec(`INSERT INTO videos (id, slug, owner_id, title, title_folded, state, stills, created_at, updated_at)
		VALUES (?, ?, 'ada', '', '', 'ready', ?, ?, ?)`, id, id, fmt.Sprintf(`{"poster":"%s/poster"}`, id), time.Now(), time.Now())
	one, two := int64(len(id+" one")), int64(len(id+" two!"))
	p.exec("INSERT INTO parts (video_id, start, length, object_key) VALUES (?, 0, ?, ?), (?, ?, ?, ?)",
		id, one, id+"/parts/0", id, one, two, id+"/parts/1")
	p.exec(`INSERT INTO tracks (video_id, name, span, kind, width, height, frame_rate, codecs, bandwidth, average_bandwidth, object_key, init_length, size, segments)
		VALUES (?, '720', 0, 'video', 1, 1, 1, '', 1, 1, ?, 1, ?, '[]')`, id, id+"/720/0", len(id+" rendition"))
}

func (p place) object(key, content string) {
	p.Helper()
	path := filepath.Join(p.objects, key)
	require.NoError(p, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(p, os.WriteFile(path+"~", []byte(content), 0o600))
	require.NoError(p, os.Rename(path+"~", path))
}

func (p place) target() backup.Target {
	return backup.Target{Database: p.database(), Objects: p.objects}
}

// empty is a machine where nothing is yet.
func empty(t *testing.T) place {
	t.Helper()
	folder := t.TempDir()
	return place{T: t, folder: folder, objects: filepath.Join(folder, "objects")}
}

func TestWhatWasBackedUpComesBack(t *testing.T) {
	t.Parallel()
	for _, link := range []bool{false, true} {
		t.Run(fmt.Sprintf("link=%v", link), func(t *testing.T) {
			t.Parallel()
			p, to := newPlace(t), t.TempDir()
			p.video("first")
			require.NoError(t, os.WriteFile(filepath.Join(p.objects, "tmp", "half"), []byte("x"), 0o600))
			o := backup.Options{Link: link}
			made, err := backup.Make(t.Context(), p.source(), to, o)
			require.NoError(t, err)
			require.Equal(t, 4, made.Objects, "not what is still being written")
			require.Empty(t, made.Missing)
			p.video("second")
			made, err = backup.Make(t.Context(), p.source(), to, o)
			require.NoError(t, err)
			require.Equal(t, 8, made.Objects, "the same folder is brought up to date")
			read, err := backup.Read(to)
			require.NoError(t, err)
			require.Equal(t, made, read)

			back := empty(t)
			_, err = backup.Restore(t.Context(), to, back.target(), o)
			require.NoError(t, err)
			for _, key := range []string{"first/parts/1", "second/720/0", "second/poster"} {
				want, err := os.ReadFile(filepath.Join(p.objects, key))
				require.NoError(t, err)
				got, err := os.ReadFile(filepath.Join(back.objects, key))
				require.NoError(t, err)
				require.Equal(t, want, got, key)
			}
			db := openDatabase(t, back.database())
			require.NoError(t, db.Check(t.Context()))
			lacking, err := backup.Lacking(t.Context(), db, backup.Folder(back.objects))
			require.NoError(t, err)
			require.Empty(t, lacking)
		})
	}
}

// TestARestoreIsVoid: no session of before is valid for a moment, also when a restore
// was cut off and is called again.
func TestARestoreIsVoid(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t), t.TempDir()
	p.video("first")
	p.exec("INSERT INTO sessions (hash, id, account_id, created_at, expires_at) VALUES ('h', 's', 'ada', ?, ?)", time.Now(), time.Now())
	_, err := backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err)
	back := empty(t)
	require.NoError(t, os.WriteFile(back.database()+".unfinished", []byte("cut off"), 0o600))
	_, err = backup.Restore(t.Context(), to, back.target(), backup.Options{})
	require.NoError(t, err)
	var sessions int
	require.NoError(t, openDatabase(t, back.database()).Reader.NewRaw("SELECT count(*) FROM sessions").Scan(t.Context(), &sessions))
	require.Zero(t, sessions)
	left, err := filepath.Glob(back.database() + ".unfinished*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestABackupDropsWhatIsGone(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t), t.TempDir()
	p.video("stays")
	p.video("goes")
	_, err := backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err)
	p.exec("DELETE FROM videos WHERE id = 'goes'")
	require.NoError(t, os.RemoveAll(filepath.Join(p.objects, "goes")))
	made, err := backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err)
	require.Equal(t, 4, made.Objects)
	require.NoFileExists(t, filepath.Join(to, "objects", "goes", "poster"))
}

// TestABackupUnderLoad (F26) copies while videos are made and deleted for good: no
// record of the copy names an object that is not there. A video that is deleted in the
// backup in which it was made may cost one of its five copies of the records, however
// long they take: there are fewer.
func TestABackupUnderLoad(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const lived = 2 * time.Second // how long each video is there
	var made, before, spare atomic.Int64
	mayGo := func(n int) bool { return int64(n) < before.Load() || spare.Add(-1) >= 0 }
	stop, done := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-done }()
	go func() {
		defer close(done)
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		var born []time.Time
		for gone := 0; ; {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			p.video(fmt.Sprintf("v%05d", len(born)))
			born = append(born, time.Now())
			made.Add(1)
			for ; gone < len(born) && time.Since(born[gone]) > lived && mayGo(gone); gone++ { // the row first, then what it named
				id := fmt.Sprintf("v%05d", gone)
				p.exec("DELETE FROM videos WHERE id = ?", id)
				if err := os.RemoveAll(filepath.Join(p.objects, id)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for round := range 4 {
		floor := made.Load()
		require.Eventually(t, func() bool { return made.Load() > floor+20 }, 3*time.Minute, time.Millisecond)
		before.Store(made.Load())
		spare.Store(4)
		to := t.TempDir()
		m, err := backup.Make(t.Context(), p.source(), to, backup.Options{Link: round%2 == 1})
		require.NoError(t, err)
		require.Empty(t, m.Missing)
		back := empty(t)
		_, err = backup.Restore(t.Context(), to, back.target(), backup.Options{})
		require.NoError(t, err)
		db := openDatabase(t, back.database())
		lacking, err := backup.Lacking(t.Context(), db, backup.Folder(back.objects))
		require.NoError(t, err)
		require.Empty(t, lacking, "round %d", round)
		var videos int
		require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM videos").Scan(t.Context(), &videos))
		require.Positive(t, videos)
	}
}

// TestRecordsAlone backs up an installation whose media is in a bucket.
func TestRecordsAlone(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t), t.TempDir()
	p.video("first")
	from := p.source()
	from.Objects = ""
	made, err := backup.Make(t.Context(), from, to, backup.Options{})
	require.NoError(t, err)
	require.Zero(t, made.Objects)
	require.Empty(t, made.Missing)
	back := empty(t)
	_, err = backup.Restore(t.Context(), to, back.target(), backup.Options{})
	require.NoError(t, err)
	var videos int
	require.NoError(t, openDatabase(t, back.database()).Reader.NewRaw("SELECT count(*) FROM videos").Scan(t.Context(), &videos))
	require.Equal(t, 1, videos)
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t), t.TempDir()
	p.video("first")
	require.NoError(t, os.Remove(filepath.Join(p.objects, "first", "parts", "1")))
	p.object("first/720/0", "cut off")
	made, err := backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err, "the rest is worth having")
	require.ElementsMatch(t, []backup.Missing{{VideoID: "first", Key: "first/parts/1"}, {VideoID: "first", Key: "first/720/0"}}, made.Missing)
}

func TestWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t), t.TempDir()
	p.video("first")
	_, err := backup.Make(t.Context(), p.source(), filepath.Join(p.objects, "backup"), backup.Options{})
	require.ErrorContains(t, err, "within the media")
	_, err = backup.Restore(t.Context(), to, empty(t).target(), backup.Options{})
	require.ErrorIs(t, err, backup.ErrIncomplete)
	_, err = backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err)
	_, err = backup.Restore(t.Context(), to, p.target(), backup.Options{})
	require.ErrorIs(t, err, backup.ErrOccupied)

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	moved := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Rename(filepath.Join(p.objects, "first"), moved))
	_, err = backup.Make(stopped, p.source(), to, backup.Options{})
	require.ErrorIs(t, err, context.Canceled)
	before := empty(t)
	_, err = backup.Restore(t.Context(), to, before.target(), backup.Options{})
	require.NoError(t, err, "until the next one is whole, the one before is good for a restore")
	require.FileExists(t, filepath.Join(before.objects, "first", "parts", "1"))
	require.NoError(t, os.Rename(moved, filepath.Join(p.objects, "first")))

	_, err = backup.Make(t.Context(), p.source(), to, backup.Options{})
	require.NoError(t, err)
	file, err := os.OpenFile(filepath.Join(to, "meanwhile.db"), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = file.WriteString("x")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	back := empty(t)
	_, err = backup.Restore(t.Context(), to, back.target(), backup.Options{})
	require.ErrorIs(t, err, backup.ErrDamaged)
	require.NoFileExists(t, back.database())
	require.NoError(t, os.WriteFile(filepath.Join(to, "backup.json"), []byte(`{"format":99}`), 0o600))
	_, err = backup.Read(to)
	require.ErrorIs(t, err, backup.ErrDamaged)
}

func TestWhatWasHandedOutBeforeIsVoid(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	now := time.Now()
	p.exec("INSERT INTO sessions (hash, id, account_id, created_at, expires_at) VALUES ('h', 's', 'ada', ?, ?)", now, now)
	p.exec("INSERT INTO one_time_links (hash, purpose, email, created_at, expires_at) VALUES ('h', 'sign-in', 'e', ?, ?)", now, now)
	p.exec("INSERT INTO ceremonies (hash, kind, data, expires_at) VALUES ('h', 'k', '', ?)", now)
	p.exec("INSERT INTO api_tokens (id, hash, account_id, name, scope, created_at) VALUES ('t', 'h', 'ada', '', 'read', ?)", now)
	left := func(table string) (n int) {
		require.NoError(t, p.db.Reader.NewRaw("SELECT count(*) FROM "+table).Scan(t.Context(), &n))
		return n
	}
	require.NoError(t, backup.Void(t.Context(), p.db, false))
	for _, table := range []string{"sessions", "one_time_links", "ceremonies"} {
		require.Zero(t, left(table), table)
	}
	require.Equal(t, 1, left("api_tokens"), "programs go on")
	require.NoError(t, backup.Void(t.Context(), p.db, true))
	require.Zero(t, left("api_tokens"))
	var key string
	require.NoError(t, p.db.Reader.NewRaw("SELECT hex(grant_key) FROM instance").Scan(t.Context(), &key))
	require.Len(t, strings.TrimSpace(key), 64, "32 bytes, and others than before")
}
