package objects_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

// TestAddressesOfAServerWhoseClockIsOff is F17: they are good by the store's clock,
// the first one, too.
func TestAddressesOfAServerWhoseClockIsOff(t *testing.T) {
	t.Parallel()
	b := objectstest.S3(t)
	put(t, objectstest.Open(t, b.URL, b.Options), "v/a", "hello")
	for name, by := range map[string]time.Duration{
		"right": 0, "a minute slow": -55 * time.Second, "ten minutes slow": -10 * time.Minute, "ten minutes fast": 10 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := b.Options
			o.Now = func() time.Time { return time.Now().Add(by) }
			for late := true; late; { // a store that takes long to answer is not waited for, nor says much of its clock
				asked, s := time.Now(), objectstest.Open(t, b.URL, o)
				address := presign(t, s)
				if late = time.Since(asked) > time.Second; late {
					continue
				}
				for range 2 {
					requireAge(t, address, asked)
					status, body := fetch(t, address)
					require.Equal(t, http.StatusOK, status, body)
					require.Equal(t, "hello", body)
					asked, address = time.Now(), presign(t, s)
				}
			}
		})
	}
}

func presign(t *testing.T, s objects.Store) string {
	t.Helper()
	address, err := s.(objects.Presigner).Presign(t.Context(), "v/a", time.Minute, nil)
	require.NoError(t, err)
	return address
}

// requireAge wants an address of a minute that was as old as it may be when it was
// asked for, by the clock of the store, which runs on this machine.
func requireAge(t *testing.T, address string, asked time.Time) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	signed, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	require.NoError(t, err)
	const unsure = 3 * time.Second // a clock is read in full seconds
	require.Less(t, asked.Sub(signed), objects.PresignAge+unsure)
	require.Positive(t, time.Since(signed), "no store takes it for one of tomorrow")
	seconds, err := strconv.Atoi(u.Query().Get("X-Amz-Expires"))
	require.NoError(t, err)
	require.Equal(t, 60, seconds)
}

func fetch(t *testing.T, address string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(raw)
}

// TestAClockOfSomebodyElse: an answer that was kept on its way says nothing of the
// store's clock, and neither does one of whoever stands before a store that is away.
func TestAClockOfSomebodyElse(t *testing.T) {
	t.Parallel()
	b := objectstest.S3(t)
	for name, other := range map[string]struct {
		status int
		header http.Header
	}{
		"kept":    {http.StatusNotFound, http.Header{"Age": {"3600"}}},
		"no date": {http.StatusNotFound, http.Header{"Date": {"yesterday"}}},
		"away":    {http.StatusBadGateway, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := objectstest.NewProxy(t, b.Endpoint)
			s := objectstest.Open(t, b.Through(proxy.URL).URL, b.Options)
			put(t, s, "v/a", "hello")
			proxy.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
				maps.Copy(w.Header(), other.header)
				w.WriteHeader(other.status)
				return true
			})
			_, err := s.Size(t.Context(), "v/a")
			require.Error(t, err)
			asked := time.Now()
			requireAge(t, presign(t, s), asked)
		})
	}
}
