package ffmpeg_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

func TestInspectKnowsWhatIsInstalled(t *testing.T) {
	t.Parallel()
	build, err := runner().Inspect(t.Context())
	require.NoError(t, err)
	require.Regexp(t, `^n?\d`, build.Version)
	require.Equal(t, build.Version, build.ProbeVersion)
	require.True(t, build.Encoders["libx264"])
	require.True(t, build.Decoders["h264"])
	require.False(t, build.Encoders["h264"], "a decoder's name is no encoder's")
	require.False(t, build.Decoders["libx264"])
}

func TestInspectOfNothingIsAnError(t *testing.T) {
	t.Parallel()
	r := &ffmpeg.Runner{FFmpeg: "no-such-program", FFprobe: "no-such-program", Logger: slog.New(slog.DiscardHandler), Sandbox: box()}
	_, err := r.Inspect(t.Context())
	require.ErrorContains(t, err, "no-such-program")
	_, err = script(t, "exit 3").Inspect(t.Context())
	require.Error(t, err)
}
